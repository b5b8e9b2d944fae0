/** Whoever waited to start when its run was stopped hears what a closing supervisor says. */
import { closed, SPAWN_ASKS } from "../../machines/budget/admission.ts"
import { type AdmissionRefused, admissionRefused } from "../host/errors.ts"

export const givenUp = (agentId: string): AdmissionRefused =>
  admissionRefused(agentId, closed("draining", true, SPAWN_ASKS))
