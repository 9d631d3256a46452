import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { missingTools, mustRun, providerAt, run, terraformEnvironment } from "../e2e/toolchain.ts";
import { startHttpFake } from "../fakes/http-fake.ts";
import { minimal, synthesize, theOnly } from "../stacks/synth.ts";

const missing = missingTools({ moto: false });
if (missing)
  process.stderr.write(`SKIPPED: the guard of a destroy with the real AWS provider. Missing here: ${missing}\n`);

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Terraform starts the provider six times. */
const timeout = 1_800_000;

describe.skipIf(missing)("the guard of a fleet, with Terraform and the AWS provider", { timeout }, () => {
  it("makes a destroy fail before anything is touched, until the loop allows it", async () => {
    let refuses = true;
    const asked: unknown[] = [];
    const lambda = await startHttpFake(({ path, body }) => {
      const event = JSON.parse(body.toString());
      asked.push([path, event.tf.action]);
      return event.tf.action === "delete" && refuses
        ? { status: 200, headers: { "x-amz-function-error": "Unhandled" }, json: { errorMessage: "still has agents" } }
        : { status: 200, json: [] };
    });
    const { input, lifecycle_scope } = theOnly(synthesize(minimal), "aws_lambda_invocation");
    const network = { network: {}, cluster: { depends_on: ["terraform_data.network"] } };
    const stack = {
      terraform: { required_providers: { aws: { source: "hashicorp/aws" } } },
      provider: providerAt({ lambda: lambda.url }),
      resource: {
        terraform_data: network,
        aws_lambda_invocation: {
          guard: {
            function_name: "ci-autoscale",
            input,
            lifecycle_scope,
            depends_on: ["terraform_data.network", "terraform_data.cluster"],
          },
        },
      },
    };
    writeFileSync(join(folder, "main.tf.json"), JSON.stringify(stack));
    const options = { cwd: folder, env: terraformEnvironment(folder) };
    const inState = () =>
      JSON.parse(readFileSync(join(folder, "terraform.tfstate"), "utf8")).resources.map(
        ({ type, name }: { readonly type: string; readonly name: string }) => `${type}.${name}`,
      );
    try {
      await mustRun("terraform", ["init", "-input=false"], options);
      await mustRun("terraform", ["apply", "-auto-approve", "-input=false"], options);
      const all = inState();
      expect(all).toHaveLength(3);

      const refused = await run("terraform", ["destroy", "-auto-approve", "-input=false", "-no-color"], options);
      expect(refused.code).not.toBe(0);
      expect(refused.output).toContain("still has agents");
      expect(inState()).toEqual(all);

      refuses = false;
      await mustRun("terraform", ["destroy", "-auto-approve", "-input=false"], options);
      expect(inState()).toEqual([]);
      const invoked = "/2015-03-31/functions/ci-autoscale/invocations";
      expect(asked).toEqual(["create", "delete", "delete"].map((action) => [invoked, action]));
    } finally {
      await lambda.close();
    }
  });
});
