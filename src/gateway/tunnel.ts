/** Connections to a provider through a proxy: a tunnel asked for with CONNECT (RFC 9110, 9.3.6). */
import { isIPv6, Socket } from "node:net"
import type { buildConnector, Dispatcher, Pool } from "undici"

export interface Tunnels {
  readonly connect: buildConnector.connector
  readonly destroy: () => Promise<void>
}

export interface TunnelOptions {
  /** What undici has for it, which is loaded late. */
  readonly undici: typeof import("undici")
  readonly proxy: URL
  /** Reaches the proxy itself. */
  readonly dial: buildConnector.connector
  /** Agrees on TLS with the provider, at the tunnel's end. */
  readonly secure: buildConnector.connector
  /** How long the proxy may take to answer. */
  readonly answerMs: number
}

/** The tunnel was not made, so nothing was sent; `code` says why. */
class ProxyFailure extends Error {
  readonly code: string

  constructor(code: string) {
    super(`the proxy made no tunnel: ${code}`)
    this.code = code
  }
}

export const tunnelsThrough = (options: TunnelOptions): Tunnels => {
  const { undici, proxy, dial, secure, answerMs } = options
  const pool = new undici.Pool(proxy.origin, {
    // undici would have the proxy prove the name that it is asked for.
    connect: (wanted, callback) => dial({ ...wanted, servername: "" }, callback),
    allowH2: false,
    pipelining: 1,
    headersTimeout: answerMs,
  })
  const headers = credentialsOf(proxy)
  const connect: buildConnector.connector = (wanted, callback) => {
    const { hostname, port } = wanted
    // undici takes the brackets off.
    const path = `${isIPv6(hostname) ? `[${hostname}]` : hostname}:${port || "443"}`
    tunnel(pool, path, headers).then(
      (httpSocket) => secure({ ...wanted, httpSocket }, callback),
      // Under undici's own code for a broken connection the request would be tried for ever.
      (error) =>
        callback(error instanceof ProxyFailure ? error : new ProxyFailure(codeOf(error)), null),
    )
  }
  return { connect, destroy: () => pool.destroy() }
}

const tunnel = async (
  pool: Pool,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Socket> => {
  const { statusCode, socket }: Dispatcher.ConnectData = await pool.connect({
    path,
    headers: { host: path, ...headers },
  })
  if (statusCode >= 200 && statusCode < 300 && socket instanceof Socket) return socket
  socket.on("error", () => {}).destroy()
  throw new ProxyFailure(`PROXY_STATUS_${statusCode}`)
}

const codeOf = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? error.code : null
  return `PROXY_${typeof code === "string" ? code.replace(/^UND_ERR_/, "") : "FAILED"}`
}

const credentialsOf = ({ username, password }: URL): Readonly<Record<string, string>> => {
  if (username === "" && password === "") return {}
  const bytes = Buffer.concat([decoded(username), Buffer.from(":"), decoded(password)])
  return { "proxy-authorization": `Basic ${bytes.toString("base64")}` }
}

/** A percent sign that begins no byte is itself, as with curl: passwords hold what they hold. */
const decoded = (text: string): Buffer => {
  const byteOf = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))
  return Buffer.from(text.replace(/%([0-9a-f]{2})/gi, byteOf), "latin1")
}
