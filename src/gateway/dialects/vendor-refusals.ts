/**
 * Errors in the vendors' own shapes: programs print `message`, SDKs choose their error by status and
 * read `type`, `code` and `details` where their vendor has them.
 */
import type { Json, RefusalWords } from "./dialect.ts"

/** Anthropic's SDK reads `error.type`, and `error_code` in `error.details`. */
export const anthropicRefusal = ({ status, code, message, details }: RefusalWords): Json => ({
  type: "error",
  error: {
    type: ANTHROPIC_TYPES[status] ?? "api_error",
    message,
    details: { ...details, error_code: code },
  },
})

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
}

/** OpenAI's SDK hands `error` out whole, so `details` stands beside its own four. */
export const openaiRefusal = ({ status, code, message, details }: RefusalWords): Json => ({
  error: { message, type: OPENAI_TYPES[status] ?? "server_error", param: null, code, details },
})

const OPENAI_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "invalid_request_error",
  402: "insufficient_quota",
  403: "invalid_request_error",
  404: "invalid_request_error",
  409: "invalid_request_error",
  413: "invalid_request_error",
  429: "rate_limit_error",
}

/** Google's status, and an `ErrorInfo`, whose reason is in capitals and whose metadata are strings. */
export const geminiRefusal = ({ status, code, message, details }: RefusalWords): Json => ({
  error: {
    code: status,
    message,
    status: GOOGLE_STATUSES[status] ?? "UNKNOWN",
    details: [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: code.toUpperCase(),
        domain: "stint",
        metadata: Object.fromEntries(
          Object.entries(details).map(([key, value]) => [key, written(value)]),
        ),
      },
    ],
  },
})

const written = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value) ?? "")

const GOOGLE_STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  413: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
}
