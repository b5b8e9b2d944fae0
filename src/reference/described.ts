/**
 * Tables typed by the unions they describe: one that lacks a member or a field, or describes one
 * that is gone, does not compile.
 */

/** Members of a union that have `tag` as one of their names, however many names they have. */
type Member<U, Tag extends keyof U, Name> = U extends unknown
  ? Name extends U[Tag]
    ? U
    : never
  : never

export type Fields<A, Told extends PropertyKey> = { readonly [K in Exclude<keyof A, Told>]: string }

export type Described<U, Tag extends keyof U, Told extends PropertyKey> = {
  readonly [Name in U[Tag] & string]: {
    readonly meaning: string
    readonly fields: Fields<Member<U, Tag, Name>, Tag | Told>
  }
}

// What several tables say of the same field.
export const KEY = "the admission it is about"
export const TASK = "what it works on"
export const WINDOW = "the day it counts in"
export const CALLED = "the call's four counts of tokens"
