/**
 * Programs that call models through a vendor's SDK, or that nothing is known about. They get address
 * and key in the environment. Whoever names an SDK vouches that the program has no key of its own
 * elsewhere; about an unknown program nobody does.
 */
import { join } from "node:path"
import { cloudCredentialsIn, keysInDotenv } from "./credential-variables.ts"
import {
  type Additions,
  claimUnless,
  type Profile,
  type ProgramName,
  type Situation,
  VENDORS,
  type Vendor,
} from "./profile.ts"

const sdk = (program: ProgramName, title: string, vendor: Vendor): Profile => ({
  program,
  title,
  meter: "auto",
  vendors: [vendor],
  stopSignal: "SIGTERM",
  keepsCredentialsIn: () => [],
  additions: (situation) => ({
    ...alsoGoogle(situation),
    claim: claimUnless([
      ...(situation.keys[vendor] === null ? [`it has no key of Stint's for ${vendor}`] : []),
      ...otherKeys(situation),
    ]),
  }),
})

export const ANTHROPIC_SDK = sdk("anthropic-sdk", "a program with Anthropic's SDK", "anthropic")
export const OPENAI_SDK = sdk("openai-sdk", "a program with OpenAI's SDK", "openai")
export const GOOGLE_SDK = sdk("google-sdk", "a program with Google's SDK", "google")

export const GENERIC: Profile = {
  program: "generic",
  title: "a program that is not known",
  meter: "auto",
  vendors: VENDORS,
  stopSignal: "SIGTERM",
  keepsCredentialsIn: () => [],
  additions: (situation) => ({
    ...alsoGoogle(situation),
    claim: claimUnless([
      "the program is not known: it may disregard the addresses, or have keys of its own",
      ...otherKeys(situation),
    ]),
  }),
}

/** Google's SDKs read two names, and the other one first. */
const alsoGoogle = ({ keys }: Situation): Pick<Additions, "env"> =>
  keys.google === null ? {} : { env: { GOOGLE_API_KEY: keys.google } }

const DOTENV = [".env", ".env.local"]

const otherKeys = ({ env, cwd, disk }: Situation): readonly string[] => [
  ...DOTENV.flatMap((name) =>
    keysInDotenv(disk.read(join(cwd, name)) ?? "").map(
      (key) => `${join(cwd, name)} has a key (${key})`,
    ),
  ),
  ...cloudCredentialsIn(env).map((name) => `${name} may give it models of a cloud`),
]
