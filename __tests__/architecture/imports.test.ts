import { describe, expect, it } from "vitest";
import { importsOf, importsOfProject, type Rule, violations } from "./imports.ts";

const node = /^node$/;
const zod = /^zod$/;
const core = /^handlers\/core\//;
const vendors = /^handlers\/vendors\//;
const aws = /^handlers\/aws\//;
const sdk = /^@aws-sdk\//;
const lambdaTypes = /^aws-lambda$/;
const terraform = [/^cdktf$/, /^constructs$/, /^@cdktf\//];
/** The parts of the runtime halves that are schemas and types only. */
const schemas = /^handlers\/(vendors\/config|vendors\/[\w-]+\/config|aws\/[\w-]+-config|\w+\/env)\.ts$/;

const rules: readonly Rule[] = [
  { from: /^main\.ts$/, may: [/^stacks\//, /^cdktf$/] },
  { from: /^stacks\/config\//, may: [/^stacks\/config\//, core, schemas, zod, /^yaml$/, node] },
  { from: /^stacks\//, may: [/^stacks\//, core, schemas, zod, /^esbuild$/, node, ...terraform] },
  { from: core, may: [core, zod, node] },
  { from: /^handlers\/vendors\//, may: [vendors, core, zod, node] },
  { from: schemas, may: [core, schemas, zod] },
  { from: aws, may: [aws, core, sdk, zod, node] },
  {
    from: /^handlers\/runtime\//,
    may: [/^handlers\/runtime\//, core, zod, lambdaTypes, /^@aws-lambda-powertools\//, node],
  },
  {
    from: /^handlers\/\w+\/index\.ts$/,
    may: [
      /^handlers\/\w+\/(deps|env|handler|memory|pools)\.ts$/,
      /^handlers\/runtime\//,
      aws,
      vendors,
      core,
      sdk,
      node,
    ],
  },
  // What the environment decodes to, put together.
  { from: /^handlers\/\w+\/pools\.ts$/, may: [schemas, core, zod] },
  { from: /^handlers\/autoscale\//, may: [/^handlers\/autoscale\/(?!index)/, core, lambdaTypes] },
  { from: /^handlers\/retire\//, may: [/^handlers\/retire\/(?!index)/, core, zod] },
  { from: /^handlers\/release\//, may: [/^handlers\/release\/(?!index)/, core, zod, lambdaTypes] },
  { from: /^handlers\/webhook\//, may: [core, lambdaTypes] },
  { from: /^scripts\/(bench|generate)/, may: [/./] },
  {
    from: /^scripts\//,
    may: [
      /^scripts\//,
      /^stacks\/config\//,
      core,
      vendors,
      aws,
      /^handlers\/runtime\/clock\.ts$/,
      sdk,
      zod,
      /^(commander|cli-table3|@clack\/prompts)$/,
      node,
    ],
  },
];

describe("the arrows of the house", () => {
  it("point the allowed way only", () => {
    const imports = importsOfProject(process.cwd());
    expect(imports.length).toBeGreaterThan(200);
    expect(violations(imports, rules)).toEqual([]);
  });

  it("only main.ts and stacks/ know CDKTF, and stacks/config does not", () => {
    const users = importsOfProject(process.cwd()).filter(({ to }) => terraform.some((name) => name.test(to)));
    expect(users.length).toBeGreaterThan(20);
    expect(users.filter(({ from }) => !/^(main\.ts|stacks\/(?!config\/))/.test(from))).toEqual([]);
  });

  it.each([
    ["handlers/core/scaling.ts", 'import { ECSClient } from "@aws-sdk/client-ecs";'],
    ["handlers/core/scaling.ts", 'import type { Http } from "../vendors/http.ts";'],
    ["handlers/autoscale/handler.ts", 'import { createEcsCapacity } from "../aws/ecs-capacity.ts";'],
    ["handlers/webhook/handler.ts", 'export { App } from "cdktf";'],
    ["handlers/vendors/x/client.ts", 'const app = await import("../../../stacks/app.ts");'],
    ["stacks/config/load.ts", 'import {\n  App,\n} from "cdktf";'],
    ["stacks/ecs-fleet.ts", 'import { createHttp } from "../handlers/vendors/http.ts";'],
    ["scripts/commands/run.ts", 'import "../../stacks/app.ts";'],
  ])("a wrong import in %s is found: %s", (from, text) => {
    expect(violations(importsOf(from, text), rules)).toHaveLength(1);
  });
});
