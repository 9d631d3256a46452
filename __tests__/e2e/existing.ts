import { CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { zipSync } from "fflate";
import * as z from "zod";
import { ask } from "./aws-listings.ts";

const certificate = z.object({ CertificateArn: z.string() });
const trust = { Version: "2012-10-17", Statement: [] };

/** Images that vendors publish, as moto reads them. */
export const publicImages = ["x86_64", "arm64"].map((architecture, index) => ({
  ami_id: `ami-0000000000000000${index}`,
  name: `spacelift-1790000000-${architecture}`,
  owner_id: "643313122712",
  architecture,
  root_device_name: "/dev/xvda",
  virtualization_type: "hvm",
  hypervisor: "xen",
  public: true,
}));

/**
 * Makes the existing resources that the shipped configs name and AWS checks: a function named `alerts`, the role of
 * some instances, and a certificate, whose ARN AWS chooses.
 */
export async function makeWhatExists(endpoint: string, region: string): Promise<{ readonly certificateArn: string }> {
  const makeRole = async (name: string) => {
    const role = new URLSearchParams({
      Action: "CreateRole",
      Version: "2010-05-08",
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify(trust),
    });
    const made = await ask(endpoint, region, "iam", "/", { method: "POST", body: role });
    return /<Arn>([^<]*)</.exec(made)?.[1];
  };
  await makeRole("spacelift-workers");
  const lambda = new LambdaClient({
    region,
    endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: "alerts",
      Role: await makeRole("alerts"),
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
