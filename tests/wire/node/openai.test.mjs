// OpenAI's official client for Node, unchanged but for the URL.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodResponseFormat, zodFunction } from "openai/helpers/zod";
import { z } from "zod";

import { BASE_URL, CAPITAL, WEATHER_QUESTION, WEATHER_RESULT, checkWeatherAnswer, user } from "./questions.mjs";

const client = new OpenAI({ baseURL: BASE_URL, apiKey: "none", maxRetries: 0 });
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the weather in a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const NUMBERS = 90; // an answer that counts to 90 has more pieces than this
const greedy = { model: "ember", temperature: 0 };

test("a chat is answered", async () => {
  const answer = await client.chat.completions.create({ ...greedy, messages: [user(CAPITAL)] });
  assert.match(answer.choices[0].message.content, /Paris/);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test("a stream is the same answer in pieces, and usage comes last", async () => {
  const whole = await client.chat.completions.create({ ...greedy, messages: [user(CAPITAL)] });
  const stream = await client.chat.completions.create({
    ...greedy,
    messages: [user(CAPITAL)],
    stream: true,
    stream_options: { include_usage: true },
  });
  const pieces = [];
  let usage;
  for await (const chunk of stream) {
    pieces.push(chunk.choices[0]?.delta.content ?? "");
    usage = chunk.usage ?? usage;
  }
  assert.equal(pieces.join(""), whole.choices[0].message.content);
  assert.ok(pieces.filter(Boolean).length > 1);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
});

test("the loop of tools closes by the client's own runner", async () => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    ...greedy,
    messages: [user(WEATHER_QUESTION)],
    tools: [
      {
        ...WEATHER,
        function: {
          ...WEATHER.function,
          parse: JSON.parse,
          function: (given) => {
            asked.push(given);
            return WEATHER_RESULT;
          },
        },
      },
    ],
  });
  checkWeatherAnswer(await runner.finalContent());
  assert.deepEqual(asked, [{ city: "Paris" }]);
});

test("a streamed call is put together", async () => {
  const stream = client.chat.completions.stream({ ...greedy, messages: [user(WEATHER_QUESTION)], tools: [WEATHER] });
  const { choices } = await stream.finalChatCompletion();
  assert.equal(choices[0].finish_reason, "tool_calls");
  const [call] = choices[0].message.tool_calls;
  assert.equal(call.function.name, "get_weather");
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris" });
});

test("an answer is parsed by a Zod schema", async () => {
  const City = z.object({ city: z.enum(["Paris", "Rome"]), large: z.boolean() });
  const answer = await client.chat.completions.parse({
    ...greedy,
    messages: [user(CAPITAL)],
    response_format: zodResponseFormat(City, "city"),
  });
  const parsed = answer.choices[0].message.parsed;
  assert.ok(City.safeParse(parsed).success);
});

test("a forced call satisfies its Zod schema", async () => {
  const Light = z.object({ level: z.int().min(0).max(100), mode: z.enum(["warm", "cold"]) });
  const answer = await client.chat.completions.parse({
    model: "ember",
    temperature: 2,
    seed: 1,
    messages: [user(CAPITAL)],
    tools: [zodFunction({ name: "set_light", parameters: Light })],
    tool_choice: "required",
    parallel_tool_calls: false,
  });
  const [call] = answer.choices[0].message.tool_calls;
  assert.equal(call.function.name, "set_light");
  assert.ok(Light.safeParse(call.function.parsed_arguments).success);
});

test("a response is created, streamed and remembered", async () => {
  const first = await client.responses.create({ ...greedy, input: CAPITAL });
  assert.match(first.output_text, /Paris/);
  const stream = await client.responses.create({ ...greedy, input: CAPITAL, stream: true });
  const pieces = [];
  for await (const event of stream) if (event.type === "response.output_text.delta") pieces.push(event.delta);
  assert.equal(pieces.join(""), first.output_text);
  assert.equal((await client.responses.retrieve(first.id)).output_text, first.output_text);
});

test("a completion goes on", async () => {
  const stream = await client.completions.create({ ...greedy, prompt: "The capital", max_tokens: 4, stream: true });
  const reasons = [];
  for await (const chunk of stream) reasons.push(chunk.choices[0]?.finish_reason);
  assert.ok(["length", "stop"].includes(reasons.filter(Boolean)[0]));
});

test("the models are listed", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.deepEqual(names, ["ember"]);
  assert.equal((await client.models.retrieve("ember")).id, "ember");
});

test("vectors come as the client decodes them", async () => {
  const embedding = new OpenAI({ baseURL: `${process.env.INFERNO_EMBED_URL}/v1`, apiKey: "none", maxRetries: 0 });
  const ask = { model: "fake", input: ["a text", "another", "a text"] };
  const packed = await embedding.embeddings.create(ask);
  const plain = await embedding.embeddings.create({ ...ask, encoding_format: "float" });
  const vectors = packed.data.map((one) => one.embedding);
  assert.deepEqual(vectors[0], vectors[2]);
  assert.notDeepEqual(vectors[0], vectors[1]);
  assert.deepEqual(vectors.map((one) => one.map(Math.fround)), plain.data.map((one) => one.embedding.map(Math.fround)));
});

test("errors are the client's own", async () => {
  await assert.rejects(client.chat.completions.create({ model: "nope", messages: [user("a")] }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.ok(error.requestID);
    return true;
  });
  await assert.rejects(client.chat.completions.create({ ...greedy, messages: [user("a")], top_p: 7 }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "top_p");
    return true;
  });
});

test("who is turned away comes back and is served", async () => {
  const crowded = new OpenAI({ baseURL: `${process.env.INFERNO_CROWDED_URL}/v1`, apiKey: "none", maxRetries: 10 });
  const refused = new OpenAI({ baseURL: `${process.env.INFERNO_CROWDED_URL}/v1`, apiKey: "none", maxRetries: 0 });
  const ask = { ...greedy, messages: [user(CAPITAL)] };
  const first = await Promise.allSettled(Array.from({ length: 8 }, () => refused.chat.completions.create(ask)));
  const failures = first.filter((one) => one.status === "rejected").map((one) => one.reason);
  assert.ok(failures.length > 0);
  for (const error of failures) assert.ok(error instanceof OpenAI.RateLimitError, String(error));
  const answers = await Promise.all(Array.from({ length: 8 }, () => crowded.chat.completions.create(ask)));
  for (const answer of answers) assert.match(answer.choices[0].message.content, /Paris/);
});

test("an abort ends the stream and frees the model", async () => {
  const stream = await client.chat.completions.create({ ...greedy, messages: [user(`Count to ${NUMBERS}.`)], stream: true });
  let pieces = 0;
  for await (const _ of stream) if (++pieces === 2) stream.controller.abort();
  assert.ok(pieces < NUMBERS, `${pieces} pieces came: only what had been read before the abort may still come`);
  const controller = new AbortController();
  const asked = client.chat.completions.create(
    { ...greedy, messages: [user(`Count to ${NUMBERS}.`)] },
    { signal: controller.signal },
  );
  controller.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  const answer = await client.chat.completions.create({ ...greedy, messages: [user(CAPITAL)] });
  assert.match(answer.choices[0].message.content, /Paris/);
});
