/** Node's decompressors, loaded with the first encoded body: most agents send and ask for none. */
export const lateZlib = (): typeof import("node:zlib") => process.getBuiltinModule("node:zlib")
