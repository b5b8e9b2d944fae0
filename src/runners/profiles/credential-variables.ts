/**
 * Environment variables that pay for model calls, or lead them past the gateway. All of them are
 * taken from every agent: what remains is what Stint gives it.
 */

/** Keys and tokens, by whom they are known to be read. */
const KEYS: readonly string[] = [
  // Anthropic, its SDKs and Claude Code
  ...["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_OAUTH_TOKEN"],
  ...["ANTHROPIC_IDENTITY_TOKEN", "ANTHROPIC_IDENTITY_TOKEN_FILE", "ANTHROPIC_PROFILE"],
  ...["ANTHROPIC_FEDERATION_RULE_ID", "ANTHROPIC_AWS_API_KEY"],
  ...["ANTHROPIC_FOUNDRY_API_KEY", "ANTHROPIC_FOUNDRY_AUTH_TOKEN"],
  ...["CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_OAUTH_REFRESH_TOKEN"],
  ...["CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR", "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR"],
  ...["CLAUDE_CODE_GATEWAY_TOKEN", "CLAUDE_CODE_GATEWAY_TOKEN_FILE_DESCRIPTOR"],
  ...["CLAUDE_CODE_SESSION_ACCESS_TOKEN", "CLAUDE_CODE_HOST_CREDS_FILE"],
  // OpenAI, its SDKs and Codex
  ...["OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"],
  ...["OPENAI_IDENTITY_TOKEN_FILE", "OPENAI_FEDERATION_RULE_ID"],
  ...["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "AZURE_API_KEY"],
  // Google
  ...["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
  ...["GOOGLE_CLOUD_API_KEY", "GOOGLE_CLOUD_ACCESS_TOKEN"],
  // Amazon Bedrock alone: general cloud credentials stay, for what else the agent's tools do
  "AWS_BEARER_TOKEN_BEDROCK",
  // The others that agent programs know
  ...["AI_GATEWAY_API_KEY", "ANT_LING_API_KEY", "BASETEN_API_KEY", "CEREBRAS_API_KEY"],
  ...["CLOUDFLARE_API_KEY", "COHERE_API_KEY", "COPILOT_GITHUB_TOKEN", "DEEPINFRA_API_KEY"],
  ...["DEEPSEEK_API_KEY", "FIREWORKS_API_KEY", "GROQ_API_KEY", "HF_TOKEN"],
  ...["HUGGINGFACE_API_KEY", "KIMI_API_KEY", "META_API_KEY", "MINIMAX_API_KEY"],
  ...["MINIMAX_CN_API_KEY", "MISTRAL_API_KEY", "MOONSHOT_API_KEY", "NVIDIA_API_KEY"],
  ...["OPENCODE_API_KEY", "OPENCODE_CONSOLE_TOKEN", "OPENROUTER_API_KEY"],
  ...["PERPLEXITY_API_KEY", "QWEN_TOKEN_PLAN_API_KEY", "QWEN_TOKEN_PLAN_CN_API_KEY"],
  ...["RADIUS_API_KEY", "REPLICATE_API_TOKEN", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"],
  ...["VERCEL_OIDC_TOKEN", "XAI_API_KEY", "XIAOMI_API_KEY", "XIAOMI_TOKEN_PLAN_CN_API_KEY"],
  ...["XIAOMI_TOKEN_PLAN_AMS_API_KEY", "XIAOMI_TOKEN_PLAN_SGP_API_KEY"],
  ...["ZAI_API_KEY", "ZAI_CODING_CN_API_KEY", "ZHIPU_API_KEY"],
]

/** Switches and addresses that choose another way to a model. */
const DIVERSIONS: readonly string[] = [
  ...["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"],
  ...["CLAUDE_CODE_USE_MANTLE", "CLAUDE_CODE_USE_ANTHROPIC_AWS", "CLAUDE_CODE_USE_GATEWAY"],
  ...["CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD", "CLAUDE_CODE_API_BASE_URL"],
  ...["ANTHROPIC_UNIX_SOCKET", "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL"],
  ...["ANTHROPIC_BEDROCK_MANTLE_BASE_URL", "ANTHROPIC_FOUNDRY_BASE_URL"],
  ...["ANTHROPIC_AWS_BASE_URL", "ANTHROPIC_GOOGLE_CLOUD_BASE_URL"],
  ...["OPENAI_API_BASE", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"],
  ...["CODEX_OSS_BASE_URL", "CODEX_OSS_PORT"],
  ...["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA", "GOOGLE_VERTEX_BASE_URL"],
  ...["GEMINI_CLI_USE_COMPUTE_ADC", "GEMINI_DEFAULT_AUTH_TYPE", "GEMINI_API_KEY_AUTH_MECHANISM"],
  ...["CODE_ASSIST_ENDPOINT"],
]

export const CREDENTIAL_VARIABLES: readonly string[] = [...KEYS, ...DIVERSIONS]

/** Credentials for a whole cloud, which some programs can call models with; they are not taken away. */
const CLOUD: readonly (readonly string[])[] = [
  ["AWS_PROFILE"],
  ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
  ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
  ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
  ["AWS_WEB_IDENTITY_TOKEN_FILE"],
  ["GOOGLE_APPLICATION_CREDENTIALS"],
  ["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION"],
]

const isSet = (env: Readonly<Record<string, string | undefined>>, name: string): boolean =>
  env[name] !== undefined && env[name] !== ""

/** Their names, where all that such a credential needs is there. */
export const cloudCredentialsIn = (
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] =>
  CLOUD.filter((names) => names.every((name) => isSet(env, name))).map(([name = ""]) => name)

/** Names of keys in a dotenv file, which programs read for themselves. */
export const keysInDotenv = (text: string): readonly string[] =>
  [...text.matchAll(/^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*\S/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => CREDENTIAL_VARIABLES.includes(name))
