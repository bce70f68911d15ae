// OpenAI's official client for Node, unchanged but for the URL.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodResponseFormat, zodFunction } from "openai/helpers/zod";
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
  user,
} from "./questions.mjs";

const client = new OpenAI({ baseURL: BASE_URL, apiKey: "none", maxRetries: 0 });
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the weather in a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const longAsk = { model: "paced", temperature: 0, messages: [user(LONG)], stream: true, ignore_eos: true };
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
  const url = process.env.INFERNO_CROWDED_URL;
  const refused = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  const crowded = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 10 });
  const short = { ...longAsk, stream: false, max_tokens: 2 };
  const ahead = await refused.chat.completions.create(longAsk);
  await until(url, "inferno_requests_running", 1); // its head is here before
  const waiting = refused.chat.completions.create(longAsk);
  await until(url, "inferno_requests_waiting", 1);
  await assert.rejects(refused.chat.completions.create(short), OpenAI.RateLimitError);
  const coming = Promise.all(Array.from({ length: 8 }, () => crowded.chat.completions.create(short)));
  ahead.controller.abort();
  (await waiting).controller.abort();
  const answers = [...(await coming), await refused.chat.completions.create(short)];
  assert.equal(new Set(answers.map((answer) => answer.choices[0].message.content)).size, 1);
});

test("pieces come while the rest is made, and an abort ends that", async () => {
  const url = process.env.INFERNO_PACED_URL;
  const paced = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  const stream = await paced.chat.completions.create(longAsk);
  let pieces = 0;
  for await (const chunk of stream) {
    pieces += chunk.choices[0].delta.content ? 1 : 0;
    if (pieces === PIECES) break;
  }
  await until(url, "inferno_requests_running", 0);
});

test("an abort before the answer ends the request", async () => {
  const url = process.env.INFERNO_PACED_URL;
  const paced = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  const controller = new AbortController();
  const asked = paced.chat.completions.create({ ...longAsk, stream: false }, { signal: controller.signal });
  await until(url, "inferno_requests_running", 1);
  assert.equal(await running(url), 1);
  controller.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  await until(url, "inferno_requests_running", 0);
});
