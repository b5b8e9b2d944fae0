/** What triggers each row of the table of bounds: added to a plain call of the row's API. */
import type { Json } from "../../../src/gateway/dialects/dialect.ts"

export interface Example {
  /** Members that stand in place of the plain call's. */
  readonly body: Json
  /** In place of the path's. */
  readonly model?: string
  /** For rows that multiply. */
  readonly answers?: number
}

const each = (...bodies: readonly Json[]): readonly Example[] => bodies.map((body) => ({ body }))

const blocks = (...content: readonly unknown[]): Json => ({ messages: [{ role: "user", content }] })
const items = (...input: readonly unknown[]): Json => ({ input })
const parts = (...list: readonly unknown[]): Json => ({ contents: [{ role: "user", parts: list }] })
const tool = (value: unknown): Json => ({ tools: [value] })

const FILE_SOURCE = { type: "file", file_id: "file_1" }
const PNG = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" }
const TEXT_BLOCK = { type: "text", text: "a" }

const MODELS_OF_OTHERS = each({ models: ["a", "b"] }, { route: "fallback" })

export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  "anthropic-messages/server-tool": each(
    tool({ type: "web_search_20250305", name: "web_search" }),
    tool({ type: "web_fetch_20260309", name: "web_fetch" }),
    tool({ type: "code_execution_20250825", name: "code_execution" }),
    tool({ type: "tool_search_tool_bm25_20251119", name: "tool_search_tool_bm25" }),
    tool({ type: "advisor_20260301", name: "advisor", model: "claude-opus-4-8" }),
    tool({ type: "mcp_toolset", mcp_server_name: "m" }),
    tool({ type: "bash", name: "bash" }),
    tool({ type: "bash_20250124_x", name: "bash" }),
    tool({ type: 7, name: "x" }),
    tool({ Type: "web_search_20250305", name: "web_search" }),
    tool("web_search"),
    { tools: { type: "web_search_20250305" } },
  ),
  "anthropic-messages/mcp-servers": each({ mcp_servers: [{ type: "url", url: "https://m" }] }),
  "anthropic-messages/container": each({ container: "c_1" }, { container: { skills: [] } }),
  "anthropic-messages/compaction": each(
    { compaction: {} },
    { context_management: { edits: [{ type: "compact_20260112" }] } },
    { context_management: { edits: [{ type: "clear_thinking_20251015" }, { type: "new_1" }] } },
    { context_management: { edits: [], more: 1 } },
    { context_management: "all" },
  ),
  "anthropic-messages/thread": each({ thread: { type: "create" } }),
  "anthropic-messages/other-models": each(
    { fallbacks: "default" },
    { fallbacks: [{ model: "m" }] },
  ),
  "anthropic-messages/referenced-source": each(
    blocks({ type: "document", source: { type: "url", url: "https://a" } }),
    blocks({ type: "image", source: FILE_SOURCE }),
    blocks({ type: "image" }),
    blocks({ type: "container_upload", file_id: "file_1" }),
    blocks({ type: "tool_result", content: [{ type: "image", source: FILE_SOURCE }] }),
    blocks({
      type: "document",
      source: { type: "content", content: [{ type: "image", source: FILE_SOURCE }] },
    }),
  ),
  "anthropic-messages/unknown-content": each(
    blocks({ type: "hologram" }),
    blocks({ text: "no type" }),
    blocks({ type: "text", Type: "image" }),
    blocks("bare"),
    blocks({ type: "tool_result", content: [{ type: "hologram" }] }),
    { system: [{ type: "hologram" }] },
    { messages: ["bare"] },
    { messages: [{ role: "user", Content: [] }] },
  ),
  "anthropic-messages/unknown-parameter": each({ turbo: true }, { n: 5 }),
  "anthropic-messages/media": each(
    blocks({ type: "image", source: PNG }),
    blocks({ type: "document", source: { type: "text", media_type: "text/plain", data: "a" } }),
    blocks({ type: "tool_result", content: [TEXT_BLOCK, { type: "image", source: PNG }] }),
  ),
  "anthropic-messages/served-results": each(
    blocks({ type: "server_tool_use", id: "s", name: "web_search", input: {} }),
    blocks({ type: "web_search_tool_result", tool_use_id: "s", content: [{ type: "x" }] }),
    blocks({ type: "tool_result", content: [{ type: "tool_reference", tool_name: "t" }] }),
  ),
  "anthropic-messages/sealed-thinking": each(
    blocks({ type: "thinking", thinking: "", signature: "c2lnbmF0dXJl" }),
    blocks({ type: "redacted_thinking", data: "c2VhbGVk" }),
  ),

  "openai-chat/answers": [
    { body: { n: 3 }, answers: 3 },
    { body: { n: 2, best_of: 5 }, answers: 5 },
    { body: { n: null }, answers: 1 },
  ],
  "openai-chat/hosted-tool": each(
    tool({ type: "web_search" }),
    tool({ function: { name: "no type" } }),
  ),
  "openai-chat/web-search": each(
    { web_search_options: {} },
    { search_parameters: { mode: "auto" } },
    { plugins: [{ id: "web" }] },
  ),
  "openai-chat/searching-model": each(
    { model: "gpt-4o-search-preview" },
    { model: "o4-mini-deep-research-2025-06-26" },
    { model: "openai/gpt-4o:online" },
    { model: "perplexity/sonar-pro" },
    { model: "groq/compound-mini" },
  ),
  "openai-chat/other-models": MODELS_OF_OTHERS,
  "openai-chat/audio": each(
    { audio: { voice: "alloy", format: "wav" } },
    { modalities: ["text", "audio"] },
    { messages: [{ role: "assistant", audio: { id: "audio_1" } }] },
  ),
  "openai-chat/media": each(
    blocks({ type: "image_url", image_url: { url: "data:image/png;base64,iVBO" } }),
    blocks({ type: "input_audio", input_audio: { data: "", format: "wav" } }),
    blocks({ type: "file", file: { file_id: "file_1" } }),
    { messages: [{ role: "assistant", images: [{ type: "image_url" }] }] },
  ),
  "openai-chat/unknown-content": each(
    blocks({ type: "hologram" }),
    blocks({ type: "text", TYPE: "image_url" }),
    { messages: [{ role: "user", content: { parts: [] } }] },
    { messages: ["bare"] },
    { messages: [{ role: "user", CONTENT: "x" }] },
  ),
  "openai-chat/prediction": each({ prediction: { type: "content", content: "a" } }),
  "openai-chat/unknown-parameter": each({ use_beam_search: true }),

  "openai-completions/answers": [
    { body: { n: 2 }, answers: 2 },
    { body: { best_of: 4 }, answers: 4 },
    { body: { n: 4, best_of: 2 }, answers: 4 },
  ],
  "openai-completions/prompts": [
    { body: { prompt: ["a", "b", "c"] }, answers: 3 },
    { body: { prompt: [[1, 2], [3]], n: 2 }, answers: 4 },
    { body: { prompt: [1, 2, 3] }, answers: 1 },
    { body: { prompt: [] }, answers: 1 },
    { body: { prompt: null }, answers: 1 },
  ],
  "openai-completions/echo": each({ echo: true }),
  "openai-completions/searching-model": each({ model: "perplexity/sonar" }),
  "openai-completions/other-models": MODELS_OF_OTHERS,
  "openai-completions/unknown-content": each(
    { prompt: { text: "a" } },
    { prompt: ["a", { image: "b" }] },
    { prompt: [[1, "a"]] },
  ),
  "openai-completions/unknown-parameter": each({ use_beam_search: true }),
  "openai-completions/tokens": each({ prompt: [1, 2, 3] }, { prompt: ["a", [1]] }),

  "openai-responses/stored-conversation": each(
    { previous_response_id: "resp_1" },
    { conversation: { id: "conv_1" } },
  ),
  "openai-responses/stored-prompt": each({ prompt: { id: "pmpt_1" } }),
  "openai-responses/stored-item": each(
    items({ type: "item_reference", id: "msg_1" }),
    items({ id: "msg_1" }),
    items({ type: "reasoning", id: "rs_1", summary: [] }),
    items({ type: "reasoning", id: "rs_1", summary: [], encrypted_content: null }),
  ),
  "openai-responses/background": each({ background: true }),
  "openai-responses/hosted-tool": each(
    tool({ type: "web_search", external_web_access: true }),
    tool({ type: "file_search", vector_store_ids: ["vs_1"] }),
    tool({ type: "code_interpreter", container: { type: "auto" } }),
    tool({ type: "image_generation" }),
    tool({ type: "mcp", server_url: "https://m" }),
    tool({ type: "tool_search" }),
    tool({ type: "tool_search", execution: "server" }),
    tool({ type: "shell", environment: { type: "container_auto" } }),
    tool({ type: "namespace", name: "a", tools: [{ type: "web_search" }] }),
    items({ type: "additional_tools", role: "developer", tools: [{ type: "web_search" }] }),
  ),
  "openai-responses/searching-model": each({ model: "o3-deep-research" }),
  "openai-responses/pro-mode": each({ reasoning: { mode: "pro" } }),
  "openai-responses/compaction": each(
    { context_management: [{ type: "compaction", compact_threshold: 1 }] },
    items({ type: "compaction", encrypted_content: "gAAA" }),
    items({ type: "compaction_trigger" }),
  ),
  "openai-responses/other-models": [...MODELS_OF_OTHERS, ...each({ plugins: [{ id: "web" }] })],
  "openai-responses/media": each(
    items({ role: "user", content: [{ type: "input_image", image_url: "data:" }] }),
    items({ role: "user", content: [{ type: "input_file", file_id: "file_1" }] }),
    items({ type: "function_call_output", call_id: "c", output: [{ type: "input_image" }] }),
    items({ type: "computer_call_output", output: { type: "computer_screenshot" } }),
    items({ type: "input_image", image_url: "data:" }),
  ),
  "openai-responses/hosted-item": each(
    items({ type: "web_search_call", id: "ws_1", status: "completed" }),
    items({ type: "mcp_call", id: "mcp_1" }),
    items({ type: "tool_search_output", execution: "server", tools: [] }),
    items({ type: "hologram" }),
    items("bare"),
  ),
  "openai-responses/unknown-content": each(
    items({ role: "user", content: [{ type: "hologram" }] }),
    items({
      type: "message",
      role: "user",
      content: [{ type: "input_text", Type: "input_image" }],
    }),
  ),
  "openai-responses/unknown-parameter": each({ multi_agent: { enabled: true } }),
  "openai-responses/store": each({ store: true }),
  "openai-responses/sealed-reasoning": each(
    items({ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAAABo" }),
  ),

  "openai-embeddings/media": each(
    { input: [{ image: "https://a" }] },
    { input: { content: [] } },
    { input: ["a", 1.5] },
  ),
  "openai-embeddings/unknown-parameter": each({ late_chunking: true }),
  "openai-embeddings/tokens": each(
    { input: [1, 2, 3] },
    { input: [[1, 2], [3]] },
    { input: ["a", "b"] },
  ),

  "gemini-generate/answers": [
    { body: { generationConfig: { candidateCount: 4 } }, answers: 4 },
    {
      body: { generation_config: { candidate_count: 2 }, generationConfig: undefined },
      answers: 2,
    },
  ],
  "gemini-generate/server-tool": each(
    tool({ googleSearch: {} }),
    tool({ google_search: {} }),
    tool({ googleSearchRetrieval: {} }),
    tool({ urlContext: {} }),
    tool({ codeExecution: {} }),
    tool({ fileSearch: { fileSearchStoreNames: [] } }),
    tool({ functionDeclarations: [], googleMaps: {} }),
    tool("googleSearch"),
    { tools: { googleSearch: {} } },
  ),
  "gemini-generate/cached-content": each({ cachedContent: "c" }, { cached_content: "c" }),
  "gemini-generate/file": each(
    parts({ fileData: { fileUri: "https://youtu.be/a" } }),
    parts({ file_data: { file_uri: "a" } }),
    parts({ functionResponse: { name: "f", parts: [{ fileData: { fileUri: "a" } }] } }),
    { systemInstruction: { parts: [{ fileData: { fileUri: "a" } }] } },
  ),
  "gemini-generate/sounds-and-images": each(
    { generationConfig: { responseModalities: ["TEXT", "IMAGE"] } },
    { generationConfig: { response_modalities: ["AUDIO"] } },
    { generationConfig: { responseModalities: [1] } },
  ),
  "gemini-generate/other-model-kinds": [
    { body: {}, model: "gemini-2.5-flash-image" },
    { body: {}, model: "gemini-2.5-pro-preview-tts" },
    { body: {}, model: "deep-research-pro-preview" },
  ],
  "gemini-generate/other-models": each(
    { generationConfig: { routingConfig: { autoMode: {} } } },
    { generationConfig: { modelConfig: {} } },
  ),
  "gemini-generate/unknown-content": each(
    parts({ hologram: {} }),
    parts("bare"),
    parts({ text: "a", toolCall: {} }),
    parts({ File_Data: {} }),
    { contents: [{ role: "user", Parts: [] }] },
    { contents: ["bare"] },
  ),
  "gemini-generate/unknown-parameter": each({ turbo: true }, { generationConfig: { turbo: true } }),
  "gemini-generate/media": each(
    parts({ inlineData: { mimeType: "image/png", data: "iVBO" } }),
    parts({ inline_data: { mime_type: "image/png", data: "iVBO" }, videoMetadata: { fps: 1 } }),
    parts({ functionResponse: { name: "f", parts: [{ inlineData: {} }] } }),
  ),
  "gemini-generate/sealed-thinking": each(parts({ text: "a", thoughtSignature: "c2ln" })),

  "gemini-embed/media": each(
    { requests: undefined, content: { parts: [{ inlineData: {} }] } },
    { requests: undefined, content: { parts: [{ fileData: { fileUri: "a" } }] } },
    { requests: [{ content: { parts: [{ text: "a" }] }, turbo: true }] },
    { requests: [{ content: { parts: ["bare"] } }] },
  ),
  "gemini-embed/unknown-parameter": each({ turbo: true }),
}
