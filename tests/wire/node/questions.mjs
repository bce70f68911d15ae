// What all clients ask the built-in model, as in questions.py.

import assert from "node:assert/strict";

export const BASE_URL = `${process.env.INFERNO_URL}/v1`;
export const CAPITAL = "What is the capital of France?";
export const LONG = "Count to ten thousand.";
export const PIECES = 3; // of a long answer, read long before its end
export const WEATHER_QUESTION = "What is the weather in Paris?";
export const WEATHER_RESULT = JSON.stringify({ temperature: 17, sky: "sunny" });

export function checkWeatherAnswer(text) {
  assert.match(text, /17 degrees/);
  assert.match(text, /sunny/);
}

export const user = (content) => ({ role: "user", content });

async function metric(url, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (.+)$`, "gm"))];
  assert.ok(values.length > 0, name);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

// Waits until the metric has the value; the runner's own time limit ends what never comes about.
export async function until(url, name, value) {
  while ((await metric(url, name)) !== value) await new Promise((resolve) => setTimeout(resolve, 10));
}

export const running = (url) => metric(url, "inferno_requests_running");
