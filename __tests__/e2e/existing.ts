import { CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { zipSync } from "fflate";
import * as z from "zod";
import { ask } from "./aws-listings.ts";

const certificate = z.object({ CertificateArn: z.string() });
const trust = { Version: "2012-10-17", Statement: [] };

/**
 * Makes what the shipped configs name as there already and AWS looks for: a function named `alerts`, and a certificate,
 * whose ARN AWS chooses.
 */
export async function makeWhatExists(endpoint: string, region: string): Promise<{ readonly certificateArn: string }> {
  const role = new URLSearchParams({
    Action: "CreateRole",
    Version: "2010-05-08",
    RoleName: "alerts",
    AssumeRolePolicyDocument: JSON.stringify(trust),
  });
  const made = await ask(endpoint, region, "iam", "/", { method: "POST", body: role });
  const lambda = new LambdaClient({
    region,
    endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: "alerts",
      Role: /<Arn>([^<]*)</.exec(made)?.[1],
      Runtime: "nodejs22.x",
      Handler: "index.handler",
      Code: { ZipFile: zipSync({ "index.mjs": new TextEncoder().encode("export const handler = () => {};") }) },
    }),
  );
  lambda.destroy();
  const requested = await ask(endpoint, region, "acm", "/", {
    method: "POST",
    body: JSON.stringify({ DomainName: "example.com" }),
    headers: {
      "x-amz-target": "CertificateManager.RequestCertificate",
      "content-type": "application/x-amz-json-1.1",
    },
  });
  return { certificateArn: certificate.parse(JSON.parse(requested)).CertificateArn };
}
