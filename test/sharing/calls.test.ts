/** Both ways to hold a call keep the same promises. */
import { describeAgentCalls } from "./calls.contract.ts"

describeAgentCalls("an agent's calls at the supervisor", "holder")
describeAgentCalls("an agent's calls by way of the holder's socket", "attached")
