/** A name for an agent that was given none. */
import { createHash, randomUUID } from "node:crypto"
import { NAME_LENGTH_MAX } from "./door.ts"

const ID_LENGTH = 8

/** After its task; the same for the same request, which may be asked again. */
export const nameFor = (taskId: string, requestId: string | undefined): string => {
  const id =
    requestId === undefined ? randomUUID() : createHash("sha256").update(requestId).digest("hex")
  return `${taskId.slice(0, NAME_LENGTH_MAX - ID_LENGTH - 1)}-${id.slice(0, ID_LENGTH)}`
}
