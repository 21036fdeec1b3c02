// Counts the tokens (o200k) of each JSON text in the argument, an object of texts.
import { encode } from "gpt-tokenizer/encoding/o200k_base";

const texts = JSON.parse(process.argv[2]);
const counts = Object.entries(texts).map(([name, text]) => [name, encode(text).length]);
console.log(JSON.stringify(Object.fromEntries(counts)));
