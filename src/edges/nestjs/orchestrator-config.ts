/** `orchestrator.budget.*`, as the application's `ConfigService` has it. */
import { isDeepStrictEqual } from "node:util"
import { Inject, Injectable } from "@nestjs/common"
import { ConfigService } from "@nestjs/config"
import { isMap } from "../../config/explain.ts"
import { configurationError } from "../../config/problem.ts"
import { type BudgetModuleOptions, type Origin, SETTINGS } from "./options.ts"

const ROOT = ["orchestrator", "budget"] as const

export const FROM_CONFIG: Origin = { name: "ConfigService", under: ROOT }

export class OrchestratorConfig {
  readonly options: BudgetModuleOptions
  private readonly config: ConfigService

  constructor(config: ConfigService) {
    this.config = config
    this.options = readConfig(config)
  }

  /**
   * A `load` that answers later would leave the budget with the defaults, in silence: by now
   * everything is loaded, so it must read as it did then.
   */
  onModuleInit(): void {
    if (isDeepStrictEqual(readConfig(this.config), this.options)) return
    throw configurationError([
      {
        reason: "unreadable",
        source: FROM_CONFIG.name,
        line: null,
        key: ROOT.join("."),
        found: "values that were still being loaded when the budget opened",
        allowed:
          "values that are there by then: with an asynchronous `load`, use BudgetModule.forRootAsync and inject the configuration itself",
      },
    ])
  }
}

Injectable()(OrchestratorConfig)
Inject(ConfigService)(OrchestratorConfig, undefined, 0)

/** The whole branch, so that an unknown key is seen; and each key, where they are kept one by one. */
const readConfig = (config: ConfigService): BudgetModuleOptions => {
  const branch: unknown = config.get(ROOT.join("."))
  if (branch !== undefined && !isMap(branch)) throw wrongBranch(branch)
  const each = SETTINGS.map(({ key }) => [key, config.get([...ROOT, key].join("."))] as const)
  const given = each.filter(([, value]) => value !== undefined)
  return { ...branch, ...Object.fromEntries(given) }
}

const wrongBranch = (found: unknown) =>
  configurationError([
    {
      reason: "invalid_value",
      source: FROM_CONFIG.name,
      line: null,
      key: ROOT.join("."),
      found: typeof found,
      allowed: "a map of settings",
    },
  ])
