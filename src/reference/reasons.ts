/** `docs/reference/reasons.md`: the closed words and what they mean, in the order of the vocabulary. */
import * as Vocabulary from "../../machines/vocabulary.ts"
import { code, page, table } from "./markdown.ts"
import * as Words from "./words.ts"

export const renderReasonsReference = (): string =>
  page(
    "<!-- Generated from machines/vocabulary.ts and src/reference/words.ts: change it there. -->",
    "# Reasons and other closed words",
    "Wherever Stint prints one of these words it prints it as it stands here, and no other.",
    section(
      "Why a spawn or a hold is refused",
      "A refusal also says whether waiting helps (`retryAt`, `never`) and the numbers that decided it.",
      Vocabulary.RefusalReason.literals,
      Words.REFUSAL_REASONS,
    ),
    section(
      "Why an agent ended",
      "The first cause is kept, whatever happens after it.",
      Vocabulary.StopReason.literals,
      Words.STOP_REASONS,
    ),
    section(
      "What ended an agent",
      "How the end came about, beside the reason for it.",
      Vocabulary.Mechanism.literals,
      Words.MECHANISMS,
    ),
    section(
      "How a budget stands",
      "By used tokens: `used × 100 ≥ limit × threshold`. Held tokens are shown beside them.",
      Vocabulary.BudgetStatus.literals,
      Words.BUDGET_STATUSES,
    ),
    section(
      "How an agent's usage is seen",
      "Only `reserved` is ever called hard.",
      Vocabulary.Enforcement.literals,
      Words.ENFORCEMENTS,
    ),
    section(
      "Where an agent stands",
      "See [the machines](machines.md).",
      Vocabulary.AgentState.literals,
      Words.AGENT_STATES,
    ),
    section(
      "Where a number comes from",
      "Numbers carry their provenance.",
      Vocabulary.Provenance.literals,
      Words.PROVENANCES,
    ),
  )

const section = <Word extends string>(
  title: string,
  introduction: string,
  words: readonly Word[],
  meanings: Readonly<Record<Word, string>>,
): string =>
  [
    `## ${title}`,
    introduction,
    table(
      ["word", "meaning"],
      words.map((word) => [code(word), meanings[word]]),
    ),
  ].join("\n\n")
