import { type ChildProcess, fork } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GetFunctionConfigurationCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { unzipSync } from "fflate";
import * as z from "zod";

const stackJson = z.object({
  resource: z.object({
    aws_lambda_function: z.record(z.string(), z.object({ function_name: z.string(), filename: z.string() })),
  }),
});

const message = z.object({
  id: z.string().optional(),
  ready: z.literal(true).optional(),
  result: z.unknown().optional(),
  error: z.string().optional(),
  errorType: z.string().optional(),
});

/** A deployed function in its own process, which stays warm as in Lambda. */
export interface DeployedFunction {
  readonly name: string;
  /** Its output so far. */
  readonly logs: string;
  /** Runs it for one event, after the earlier ones. Rejects with the function's error, under its name. */
  invoke(event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Runs a function as it was deployed: the code from the zip that Terraform uploaded, with the environment, handler and
 * time limit in AWS.
 */
export async function startDeployedFunction(
  name: string,
  at: { readonly stackFolder: string; readonly workFolder: string; readonly region: string; readonly endpoint: string },
): Promise<DeployedFunction> {
  const lambda = new LambdaClient({
    region: at.region,
    endpoint: at.endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const known = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
  lambda.destroy();
  const zip = readFileSync(zipOf(name, at.stackFolder));
  const hash = createHash("sha256").update(zip).digest("base64");
  if (hash !== known.CodeSha256)
    throw new Error(`${name} was deployed with other code than the stack's directory holds`);

  const folder = join(at.workFolder, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(unzipSync(zip))) writeFileSync(join(folder, file), bytes);
  const file = `${known.Handler?.replace(/\.[^.]+$/, "")}.mjs`;

  const child = fork(
    fileURLToPath(new URL("./lambda-runtime.mjs", import.meta.url)),
    [join(folder, file), name, String(known.Timeout)],
    {
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        ...known.Environment?.Variables,
        AWS_LAMBDA_FUNCTION_NAME: name,
        AWS_REGION: at.region,
        AWS_ACCESS_KEY_ID: name,
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_ENDPOINT_URL: at.endpoint,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      },
    },
  );
  return overProcess(name, child);
}

async function overProcess(name: string, child: ChildProcess): Promise<DeployedFunction> {
  let logs = "";
  const collect = (chunk: Buffer) => {
    logs += chunk.toString("utf8");
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const waiting = new Map<string, (answer: z.output<typeof message>) => void>();
  const ready = new Promise<void>((resolve) => {
    child.on("message", (raw) => {
      const answer = message.parse(raw);
      if (answer.ready) resolve();
      else waiting.get(answer.id ?? "")?.(answer);
    });
  });
  const exited = once(child, "exit");
  const died = exited.then(([code]) => Promise.reject(new Error(`${name} ended with ${code}:\n${logs}`)));
  died.catch(() => {});
  await Promise.race([ready, died]);

  let last: Promise<unknown> = Promise.resolve();
  return {
    name,
    get logs() {
      return logs;
    },
    invoke(event) {
      const invocation = last.then(() => invoke(event));
      last = invocation.catch(() => {});
      return invocation;
    },
    async close() {
      child.kill("SIGKILL");
      await exited;
    },
  };

  async function invoke(event: unknown): Promise<unknown> {
    const id = randomUUID();
    const answered = new Promise<z.output<typeof message>>((resolve) => waiting.set(id, resolve));
    child.send({ id, event });
    const { result, error, errorType } = await Promise.race([answered, died]);
    waiting.delete(id);
    if (error !== undefined) throw Object.assign(new Error(error), { name: errorType ?? "Error" });
    return result;
  }
}

function zipOf(functionName: string, stackFolder: string): string {
  const stack = stackJson.parse(JSON.parse(readFileSync(join(stackFolder, "cdk.tf.json"), "utf8")));
  const all = Object.values(stack.resource.aws_lambda_function);
  const found = all.find(({ function_name }) => function_name === functionName);
  if (!found) throw new Error(`the stack has no function ${functionName}`);
  return join(stackFolder, found.filename);
}
