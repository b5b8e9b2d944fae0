/** A provider's base URL, checked: what is found wrong is told without what may be secret in it. */
import { showText } from "./found.ts"

/** What a base URL must be, to follow "expected". */
export const BASE_URL =
  "an http or https URL without user name, password, query and fragment, such as https://api.openai.com/v1"

export type BaseUrl = { readonly url: URL } | { readonly found: string }

/** The path is kept as the prefix of every call, without a slash at its end. */
export const readBaseUrl = (text: string): BaseUrl => {
  const url = URL.parse(text.trim())
  if (url === null) return { found: /[@?#]/.test(text) ? "no URL" : showText(text) }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return { found: `a URL that begins with ${url.protocol}` }
  if (url.username !== "" || url.password !== "")
    return { found: "a URL with a user name or password" }
  if (url.href.includes("?")) return { found: "a URL with a query" }
  if (url.href.includes("#")) return { found: "a URL with a fragment" }
  url.pathname = url.pathname.replace(/\/+$/, "")
  return { url }
}
