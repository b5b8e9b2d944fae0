/** An official inspector server in a thread of its own, so that its work is not counted as ours. */
import { parentPort, workerData } from "node:worker_threads"
import { createInspectorServer } from "@statelyai/inspect/server"

createInspectorServer({ port: workerData, autoOpen: false, url: "about:blank" })
parentPort?.postMessage("asked to listen")
