/** The ledger's thread: opens the file, then does one thing after another as it is asked. */
import { parentPort } from "node:worker_threads"
import type {
  Input,
  Opening,
  Operation,
  Output,
  Refused,
  Reply,
  Request,
  WorkerInput,
} from "./messages.ts"
import { closeFiles, openFiles } from "./open.ts"
import { makeStore, type Store } from "./store.ts"
import { troubleOf } from "./trouble.ts"

const refusal = (error: unknown, path: string): Refused => {
  const { reason, message } = troubleOf(error, path)
  return { reason, message }
}

const openStore = ({
  path,
  options,
}: WorkerInput): { readonly store: Store; readonly epoch: number } => {
  const files = openFiles(path, options)
  try {
    return { store: makeStore(files, options.runRows), epoch: files.epoch }
  } catch (error) {
    closeFiles(files)
    throw error
  }
}

type Handlers = { readonly [O in Operation]: (input: Input<O>) => Output<O> }

const handlersOf = (store: Store): Handlers => ({
  write: ({ firstSeq, bodies }) => {
    store.write(firstSeq, bodies)
    return null
  },
  find: ({ id, key }) => store.find(id, key),
  rows: ({ query, after, to }) => store.rows(query, after, to),
  history: ({ query, after }) => store.history(query, after),
  checkpoint: (checkpoint) => {
    store.checkpoint(checkpoint)
    return null
  },
  newestCheckpoint: () => store.newestCheckpoint(),
  retainable: ({ openWindow, retentionDays }) => store.retainable(openWindow, retentionDays),
  drop: (seq) => store.drop(seq),
  limitPages: (pages) => {
    store.limitPages(pages)
    return null
  },
  close: () => {
    store.close()
    return null
  },
})

const serve = (port: NonNullable<typeof parentPort>, input: WorkerInput): void => {
  const tell = (message: Opening | Reply): void => port.postMessage(message)
  let opened: { readonly store: Store; readonly epoch: number }
  try {
    opened = openStore(input)
  } catch (error) {
    tell({ refused: refusal(error, input.path) })
    return
  }
  const { store, epoch } = opened
  const handlers = handlersOf(store)
  /** Found where nobody waited for an answer: whoever asks next is told. */
  let broken: Refused | null = null

  const answer = <O extends Operation>(request: Request<O>): Reply => {
    if (broken !== null && request.operation !== "close") return { id: request.id, refused: broken }
    try {
      return { id: request.id, output: handlers[request.operation](request.input) }
    } catch (error) {
      return { id: request.id, refused: refusal(error, input.path) }
    }
  }

  const derive = (): void => {
    try {
      store.derive()
    } catch (error) {
      broken = refusal(error, input.path)
    }
  }

  tell({ opened: { epoch, lastSeq: store.lastSeq() } })
  port.on("message", (request: Request) => {
    tell(answer(request))
    if (request.operation === "close") port.close()
    // After the answer: nobody who waits for the disk waits for this.
    if (request.operation === "write") derive()
  })
}

/** The first message says what to open: a thread may be begun before that is known. */
const begin = (port: NonNullable<typeof parentPort>): void => {
  port.once("message", (input: WorkerInput) => serve(port, input))
}

if (parentPort !== null) begin(parentPort)
