// What all clients ask the built-in model, as in questions.py.

import assert from "node:assert/strict";

export const BASE_URL = `${process.env.INFERNO_URL}/v1`;
export const CAPITAL = "What is the capital of France?";
export const WEATHER_QUESTION = "What is the weather in Paris?";
export const WEATHER_RESULT = JSON.stringify({ temperature: 17, sky: "sunny" });

export function checkWeatherAnswer(text) {
  assert.match(text, /17 degrees/);
  assert.match(text, /sunny/);
}

export const user = (content) => ({ role: "user", content });
