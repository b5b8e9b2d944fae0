/** The processes of the bench: a server tells its port, is asked how it does, and ends when told. */
import { type ChildProcess, fork } from "node:child_process"
import type { Server } from "node:http"
import { fileURLToPath } from "node:url"

export interface Started {
  readonly port: number
  /** What else it has to say: the key for its agent. */
  readonly said: Readonly<Record<string, string>>
}

export interface ProcessState {
  readonly heapBytes: number
  readonly rssBytes: number
  readonly sockets: number
  /** Of all its threads, since it began. */
  readonly cpuUs: number
}

type Told = Started | { readonly state: ProcessState } | { readonly done: unknown }

export const tell = (told: Told): void => {
  process.send?.(told)
}

const stateNow = (): ProcessState => {
  const { user, system } = process.cpuUsage()
  const cpuUs = user + system
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const sockets = process.getActiveResourcesInfo().filter((each) => each === "TCPSocketWrap").length
  return { heapBytes: heapUsed, rssBytes: rss, sockets, cpuUs }
}

/** Answers the bench's questions; ends with the process that asked. */
export const attend = (onEnd: () => Promise<void> = async () => {}): void => {
  process.on("message", (asked) => {
    if (asked === "state") tell({ state: stateNow() })
    if (asked === "end") onEnd().finally(() => process.exit(0))
  })
  process.on("disconnect", () => process.exit(0))
}

export const serveFrom = (server: Server): void => {
  attend()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    if (typeof address === "object" && address !== null) tell({ port: address.port, said: {} })
  })
}

/** One of the files beside this, as a process. */
export class BenchProcess {
  private readonly child: ChildProcess

  constructor(name: string, ...args: readonly string[]) {
    const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
    const execArgv = ["--no-warnings", "--expose-gc", "--conditions=source", ...profiling(name)]
    this.child = fork(file, args, { execArgv, stdio: ["ignore", "ignore", "inherit", "ipc"] })
  }

  started(): Promise<Started> {
    return this.heard((told) => ("port" in told ? told : undefined))
  }

  state(): Promise<ProcessState> {
    this.child.send("state")
    return this.heard((told) => ("state" in told ? told.state : undefined))
  }

  /** For the client: does the work and answers with what came of it. */
  do<Result>(job: object | string): Promise<Result> {
    this.child.send(job)
    return this.heard((told) => ("done" in told ? (told.done as Result) : undefined))
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.child.once("exit", () => resolve())
      this.child.send("end")
    })
  }

  private heard<A>(meant: (told: Told) => A | undefined): Promise<A> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        this.child.off("message", listen)
        this.child.off("exit", gone)
      }
      const listen = (told: Told): void => {
        const found = meant(told)
        if (found === undefined) return
        over()
        resolve(found)
      }
      const gone = (code: number | null): void => {
        over()
        reject(new Error(`a process of the bench ended early, with status ${code}`))
      }
      this.child.on("message", listen)
      this.child.once("exit", gone)
    })
  }
}

/** `BENCH_PROFILE=stint npm run bench gateway` leaves a CPU profile of that process. */
const profiling = (name: string): readonly string[] =>
  process.env.BENCH_PROFILE === name ? ["--cpu-prof"] : []
