#!/bin/sh
# Deaf to SIGTERM, and so are its children: only SIGKILL ends it.
trap '' TERM
sleep 300 &
while :; do sleep 1; done
