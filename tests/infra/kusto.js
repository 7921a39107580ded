// Asks Microsoft's own language service about KQL. Reads {tables: {name: {column: type}}, queries: {name: text}} from
// standard input; writes {name: {problems: [sentence], columns: [[name, type]]}}.
"use strict";
const path = require("path");
const folder = path.dirname(require.resolve("@kusto/language-service-next/package.json"));
require(path.join(folder, "bridge.min.js")); // defines the global that the next one is written for
require(path.join(folder, "Kusto.Language.Bridge.min.js"));

const { GlobalState, KustoCode, Symbols } = Kusto.Language;

function listed(sequence) {
  const items = [];
  const steps = Bridge.getEnumerator(sequence);
  while (steps.moveNext()) items.push(steps.Current);
  return items;
}

function table(name, columns) {
  return new Symbols.TableSymbol.$ctor4(
    name,
    Object.entries(columns).map(([column, type]) => {
      const scalar = Symbols.ScalarTypes.GetSymbol(type);
      if (!scalar) throw new Error(`${name}.${column} is of no type of Kusto: ${type}`);
      return new Symbols.ColumnSymbol(column, scalar);
    }),
  );
}

function asked(query, globals) {
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const problems = listed(code.GetDiagnostics()).map(
    (found) => `${found.Severity} at '${query.substr(found.Start, Math.min(found.Length, 40))}': ${found.Message}`,
  );
  const result = code.ResultType;
  const columns = result && result.Columns ? listed(result.Columns).map((each) => [each.Name, each.Type.Name]) : [];
  return { problems, columns };
}

const { tables, queries } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const database = new Symbols.DatabaseSymbol.ctor("workspace", Object.entries(tables).map(([name, columns]) => table(name, columns)));
const globals = GlobalState.Default.WithCluster(new Symbols.ClusterSymbol.ctor("logs", [database])).WithDatabase(database);
const answers = Object.entries(queries).map(([name, query]) => [name, asked(query, globals)]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
