// Counts the tokens (o200k) of each JSON text on standard input, an object of texts.
import { readFileSync } from "node:fs";
import { encode } from "gpt-tokenizer/encoding/o200k_base";

const texts = JSON.parse(readFileSync(0, "utf8"));
const counts = Object.entries(texts).map(([name, text]) => [name, encode(text).length]);
console.log(JSON.stringify(Object.fromEntries(counts)));
