import { expect, it } from "vitest"
import { openRunGateway } from "../../src/gateway/run-gateway.ts"
import { DEFAULT_SETTINGS } from "../../src/gateway/settings.ts"
import { quietLog } from "../../src/log/log.ts"
import { eventually } from "../runners/proc-reader.ts"

it("a run's gateway that cannot be opened in full listens to nobody", async () => {
  const env = {
    get XDG_RUNTIME_DIR(): string {
      throw new Error("no place for its folders")
    },
  }
  const opened = openRunGateway({
    upstreams: { upstreams: [], warnings: [] },
    settings: DEFAULT_SETTINGS,
    prices: () => Promise.reject(new Error("nobody asks")),
    machine: { platform: "linux", home: "/", folder: "/", env },
    log: quietLog(),
  })
  await expect(opened).rejects.toThrow("no place for its folders")
  await eventually(() => !process.getActiveResourcesInfo().includes("TCPServerWrap"))
})
