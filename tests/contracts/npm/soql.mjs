// Reads a JSON list of SOQL queries from stdin, and writes what a parser that is not ours says of
// each: an empty text, or its error. The first argument is where the packages are installed.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const { parseQuery } = createRequire(`${process.argv[2]}/`)("soql-parser-js");
const queries = JSON.parse(readFileSync(0, "utf8"));
const said = queries.map((query) => {
  try {
    parseQuery(query);
    return "";
  } catch (error) {
    return String(error.message) || "refused";
  }
});
process.stdout.write(JSON.stringify(said));
