// Revisa flujos con actionlint: lee una lista de textos en JSON y escribe, por cada uno, la lista de sus problemas.
// Uso: node actionlint.cjs RUN_LINT < textos.json
const { runLint } = require(process.argv[2]);

async function main() {
  const found = [];
  for (const text of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
    found.push(await runLint(text, ".github/workflows/libro.yml"));
  }
  // El programa compilado no termina nunca por su cuenta.
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
}

main();
