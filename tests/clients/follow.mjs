// `node follow.mjs MODULE ADDRESS [HEADERS]`: follows a run, a line of JSON for each time that it has changed.
const [module, address, headers = "{}"] = process.argv.slice(2);
const { follow } = await import(module);
try {
  for await (const run of follow(address, { headers: JSON.parse(headers) })) console.log(JSON.stringify(run));
} catch (error) {
  console.log(JSON.stringify({ error: error.code ?? String(error) }));
}
