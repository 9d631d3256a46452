import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { expect, it } from "vitest";
import { clientOptions } from "../../../../handlers/lib/aws/client-options.ts";
import { startHttpFake } from "../../../fakes/http-fake.ts";

it("an AWS API that accepts a request and never answers ends the call, not the invocation", async () => {
  const silent = await startHttpFake(() => new Promise(() => {}));
  const sfn = new SFNClient({
    ...clientOptions,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    endpoint: silent.url,
    maxAttempts: 1,
    requestHandler: { ...clientOptions.requestHandler, requestTimeout: 50 },
  });
  try {
    await expect(sfn.send(new StartExecutionCommand({ stateMachineArn: "arn" }))).rejects.toMatchObject({
      name: "TimeoutError",
    });
  } finally {
    sfn.destroy();
    await silent.close();
  }
});
