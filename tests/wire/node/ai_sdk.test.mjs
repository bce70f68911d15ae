// Vercel's AI SDK with its provider for APIs like OpenAI's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, Output, embedMany, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import {
  BASE_URL,
  CAPITAL,
  LONG,
  PIECES,
  WEATHER_QUESTION,
  WEATHER_RESULT,
  checkWeatherAnswer,
  running,
  until,
} from "./questions.mjs";

const inferno = createOpenAICompatible({
  name: "inferno",
  baseURL: BASE_URL,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = inferno("ember");
const asked = [];
const tools = {
  get_weather: tool({
    description: "Get the weather in a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async (given) => {
      asked.push(given);
      return JSON.parse(WEATHER_RESULT);
    },
  }),
};

test("text", async () => {
  const answer = await generateText({ model, temperature: 0, prompt: CAPITAL });
  assert.match(answer.text, /Paris/);
  assert.equal(answer.finishReason, "stop");
  assert.ok(answer.usage.outputTokens > 3);
});

test("streamed text", async () => {
  const answer = streamText({ model, temperature: 0, prompt: CAPITAL });
  const pieces = [];
  for await (const piece of answer.textStream) pieces.push(piece);
  assert.match(pieces.join(""), /Paris/);
  assert.ok((await answer.usage).outputTokens > 3);
});

test("pieces come while the rest is made, and an abort ends that", async () => {
  const url = process.env.INFERNO_PACED_URL;
  const paced = createOpenAICompatible({ name: "inferno", baseURL: `${url}/v1` });
  const controller = new AbortController();
  const answer = streamText({ model: paced("paced"), temperature: 0, prompt: LONG, abortSignal: controller.signal });
  let pieces = 0;
  for await (const _ of answer.textStream) if (++pieces === PIECES) break;
  assert.equal(await running(url), 1);
  controller.abort();
  await until(url, "inferno_requests_running", 0);
});

for (const [name, ask] of [["whole", generateText], ["streamed", streamText]]) {
  test(`the loop of tools closes, ${name}`, async () => {
    asked.length = 0;
    const answer = await ask({ model, temperature: 0, prompt: WEATHER_QUESTION, tools, stopWhen: stepCountIs(3) });
    checkWeatherAnswer(await answer.text);
    assert.deepEqual(asked, [{ city: "Paris" }]);
    assert.equal((await answer.steps).length, 2);
  });
}

test("an object of a schema", async () => {
  const schema = z.object({ city: z.enum(["Paris", "Rome"]), large: z.boolean() });
  const answer = await generateText({ model, temperature: 0, prompt: CAPITAL, output: Output.object({ schema }) });
  assert.ok(schema.safeParse(answer.output).success);
});

test("vectors", async () => {
  const embedding = createOpenAICompatible({ name: "inferno", baseURL: `${process.env.INFERNO_EMBED_URL}/v1` });
  const { embeddings } = await embedMany({ model: embedding.embeddingModel("fake"), values: ["a", "b", "a"] });
  assert.deepEqual(embeddings[0], embeddings[2]);
  assert.notDeepEqual(embeddings[0], embeddings[1]);
});

test("errors tell why", async () => {
  const wrong = generateText({ model: inferno("nope"), prompt: "a", maxRetries: 0 });
  await assert.rejects(wrong, (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 404);
    assert.match(error.message, /'nope' is not served/);
    return true;
  });
});
