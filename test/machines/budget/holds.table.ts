import type { Checks } from "../machines.ts"
import {
  end,
  expire,
  hold,
  later,
  MINUTE,
  report,
  SETTINGS,
  set,
  settle,
  settleLate,
  spawn,
  stop,
  table,
  voids,
} from "./script.ts"

const EXPIRES = 15 * MINUTE

export const holds: Checks = {
  "a hold settled below gives back the rest, settled above adds overrun": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
    [hold("i", "a", 20), "admits | day 0+50 | a 0+50"],
    [settle("h", 25), "resolves | day 25+20 | a 25+20"],
    [settle("i", 27), "resolves | day 52!7 | a 52!7"],
    [hold("j", "a", 8), "admits | day 52+8!7 | a 52+8!7"],
    [settle("j", 8), "resolves | day 60!7 | a 60!7"],
  ]),

  "a hold resolves at most once, however it is tried": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 10), "admits | day 0+10 | a 0+10"],
    [settle("h", 10), "resolves | day 10 | a 10"],
    [settle("h", 10), "unknown | day 10 | a 10"],
    [voids("h"), "unknown | day 10 | a 10"],
    [later(EXPIRES, expire("h")), "unknown | day 10 | a 10"],
    [hold("i", "a", 10), "admits | day 10+10 | a 10+10"],
    [voids("i"), "resolves | day 10 | a 10"],
    [voids("i"), "unknown | day 10 | a 10"],
    [settle("i", 10), "unknown | day 10 | a 10"],
    [hold("j", "a", 10), "admits | day 10+10 | a 10+10"],
    [later(EXPIRES, expire("j")), "resolves | day 20?10 | a 20?10"],
    [later(EXPIRES, expire("j")), "unknown | day 20?10 | a 20?10"],
    [settle("j", 10), "unknown | day 20?10 | a 20?10"],
  ]),

  "a voided hold gives everything back": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 60), "admits | day 0+60 | a 0+60"],
    [voids("h"), "resolves | day 0 | a 0"],
    [hold("i", "a", 60), "admits | day 0+60 | a 0+60"],
  ]),

  "whom a call without a bound makes metered is stopped by a report, and not by a call that never left":
    table({ ...SETTINGS, allowUnbounded: true }, [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 60), "admits | day 0+60 | a 0+60"],
      [settle("h", 60), "resolves | day 60 | a 60"],
      [hold("i", "a", 0, { isBounded: false }), "admits | day 60 | a 60"],
      [voids("i"), "resolves | day 60 | a 60"],
      [hold("j", "a", 0), "admits | day 60 | a 60"],
      [settle("j", 0), "resolvesAndStops | day 60 | a 60 stopping agent_token_limit"],
    ]),

  "an expired hold is charged in full, as uncertain, and never early": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
    [later(EXPIRES - 1, expire("h")), "unknown | day 0+40 | a 0+40"],
    [later(1, expire("h")), "resolves | day 40?40 | a 40?40"],
    [
      hold("i", "a", 21),
      "neverForAgent [agent_token_limit 40+0+21>60 for good] | day 40?40 | a 40?40 stopping agent_token_limit",
    ],
  ]),

  "the time a hold has is the one set when it was placed": table(
    { ...SETTINGS, holdTimeoutMinutes: 1.5 },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 10), "admits | day 0+10 | a 0+10"],
      [set({ holdTimeoutMinutes: 15 }), "sets | day 0+10 | a 0+10"],
      [later(1.5 * MINUTE - 1, expire("h")), "unknown | day 0+10 | a 0+10"],
      [later(1, expire("h")), "resolves | day 10?10 | a 10?10"],
    ],
  ),

  "a settle after the expiry corrects the charge, up or down": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
    [hold("i", "a", 10), "admits | day 0+50 | a 0+50"],
    [later(EXPIRES, expire("h")), "resolves | day 40+10?40 | a 40+10?40"],
    [expire("i"), "resolves | day 50?50 | a 50?50"],
    [settleLate("h", "a", [40, 15]), "corrects | day 25?10 | a 25?10"],
    [settleLate("i", "a", [10, 12]), "corrects | day 27!2 | a 27!2"],
    [hold("j", "a", 33), "admits | day 27+33!2 | a 27+33!2"],
  ]),

  "a settle after its agent's end corrects the agent that the day still lists": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 40), "admits | day 0+40 | a 0+40"],
    [end("a"), "ends | day 40?40 | a 40?40 ended completed"],
    [settleLate("h", "a", [40, 15]), "corrects | day 15 | a 15 ended completed"],
  ]),

  "an end charges what its agent still held": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 10), "admits | day 0+10 | a 0+10"],
    [hold("i", "a", 20), "admits | day 0+30 | a 0+30"],
    [settle("h", 5), "resolves | day 5+20 | a 5+20"],
    [end("a", "failed"), "ends | day 25?20 | a 25?20 ended failed"],
    [settle("i", 20), "unknown | day 25?20 | a 25?20 ended failed"],
  ]),

  "whatever fills a metered agent's account stops it: a settle, an expiry, a late settle": table(
    { ...SETTINGS, maxConcurrentAgents: null, dailyTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [report("a", 30), "records | day 30!30 | a 30!30"],
      [hold("h", "a", 30), "admits | day 30+30!30 | a 30+30!30"],
      [settle("h", 29), "resolves | day 59!30 | a 59!30"],
      [hold("i", "a", 1), "admits | day 59+1!30 | a 59+1!30"],
      [settle("i", 1), "resolvesAndStops | day 60!30 | a 60!30 stopping agent_token_limit"],
      [end("a"), "ends | day 60!30 | a 60!30 ended agent_token_limit"],
      [spawn("b"), "admits | day 60!30 | a 60!30 ended agent_token_limit | b 0"],
      [report("b", 30), "records | day 90!60 | a 60!30 ended agent_token_limit | b 30!30"],
      [hold("j", "b", 29), "admits | day 90+29!60 | a 60!30 ended agent_token_limit | b 30+29!30"],
      [
        later(EXPIRES, expire("j")),
        "resolves | day 119?29!60 | a 60!30 ended agent_token_limit | b 59?29!30",
      ],
      [
        settleLate("j", "b", [29, 30]),
        "correctsAndStops | day 120!61 | a 60!30 ended agent_token_limit | b 60!31 stopping agent_token_limit",
      ],
    ],
  ),

  "an expiry that fills a metered agent's account stops it": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
    [report("a", 30), "records | day 30+30!30 | a 30+30!30"],
    [
      later(EXPIRES, expire("h")),
      "resolvesAndStops | day 60?30!30 | a 60?30!30 stopping agent_token_limit",
    ],
  ]),

  "an estimated settle counts as uncertain": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 10), "admits | day 0+10 | a 0+10"],
    [settle("h", 8, "estimated"), "resolves | day 8?8 | a 8?8"],
    [hold("i", "a", 10), "admits | day 8+10?8 | a 8+10?8"],
    [settle("i", 12, "unknown"), "resolves | day 20?20!2 | a 20?20!2"],
  ]),

  "an agent that is told to stop gets no new hold, and may settle what it has": table(SETTINGS, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 10), "admits | day 0+10 | a 0+10"],
    [stop("a", "cancelled"), "stops | day 0+10 | a 0+10 stopping cancelled"],
    [hold("i", "a", 1), "never [draining 1 asked for good] | day 0+10 | a 0+10 stopping cancelled"],
    [settle("h", 10), "resolves | day 10 | a 10 stopping cancelled"],
  ]),

  "the third refusal in a row with no granted call between ends an agent": table(
    { ...SETTINGS, dailyTokenLimit: 50, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [spawn("b"), "admits | day 0 | a 0 | b 0"],
      [hold("x", "b", 41), "admits | day 0+41 | a 0 | b 0+41"],
      [
        hold("1", "a", 10),
        "waits [daily_token_limit 0+41+10>50 on release] | day 0+41 | a 0 | b 0+41",
      ],
      [
        hold("2", "a", 10),
        "waits [daily_token_limit 0+41+10>50 on release] | day 0+41 | a 0 | b 0+41",
      ],
      [hold("3", "a", 9), "admits | day 0+50 | a 0+9 | b 0+41"],
      [
        hold("4", "a", 9),
        "waits [daily_token_limit 0+50+9>50 on release] | day 0+50 | a 0+9 | b 0+41",
      ],
      [
        hold("5", "a", 51),
        "never [daily_token_limit 0+50+51>50 for good] | day 0+50 | a 0+9 | b 0+41",
      ],
      [
        hold("6", "a", 9),
        "losesPatience [daily_token_limit 0+50+9>50 on release] | day 0+50 | a 0+9 stopping daily_token_limit | b 0+41",
      ],
    ],
  ),

  "a hold about nobody is refused as stale and leaves no row": table(SETTINGS, [
    [hold("h", "nobody", 10), "unknown [stale 10 asked for good] | day 0"],
    [spawn("a"), "admits | day 0 | a 0"],
    [end("a"), "ends | day 0 | a 0 ended completed"],
    [hold("h", "a", 10), "unknown [stale 10 asked for good] | day 0 | a 0 ended completed"],
  ]),

  "the same hold asked for again is answered again and held once, another content refused": table(
    SETTINGS,
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [spawn("b"), "admits | day 0 | a 0 | b 0"],
      [hold("h", "a", 10), "admits | day 0+10 | a 0+10 | b 0"],
      [hold("h", "a", 10), "admits | day 0+10 | a 0+10 | b 0"],
      [hold("h", "a", 9), "unknown [stale 9 asked for good] | day 0+10 | a 0+10 | b 0"],
      [hold("h", "b", 10), "unknown [stale 10 asked for good] | day 0+10 | a 0+10 | b 0"],
      [settle("h", 10), "resolves | day 10 | a 10 | b 0"],
    ],
  ),

  "an account without a slot is refused what does not fit, and has no life to lose": table(
    SETTINGS,
    [
      [spawn("a", { slot: false }), "admits | day 0 | a 0"],
      [hold("h", "a", 61), "never [agent_token_limit 0+0+61>60 for good] | day 0 | a 0"],
      [hold("h", "a", 61), "never [agent_token_limit 0+0+61>60 for good] | day 0 | a 0"],
      [hold("h", "a", 61), "never [agent_token_limit 0+0+61>60 for good] | day 0 | a 0"],
      [hold("i", "a", 60), "admits | day 0+60 | a 0+60"],
      [report("a", 5), "records | day 5+60!5 | a 5+60!5"],
    ],
  ),
}
