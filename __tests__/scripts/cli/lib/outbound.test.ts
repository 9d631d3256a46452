import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../fakes/aws-secrets.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../fakes/hcp-terraform.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";
import { hasOpenssl, type PrivateNetwork, startPrivateNetwork } from "../../../fakes/private-network.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet, fleetProcess } from "../harness.ts";

const caArn = "arn:aws:secretsmanager:us-west-2:111122223333:secret:ca-AbCdEf";
const proxyArn = "arn:aws:secretsmanager:us-west-2:111122223333:secret:proxy-AbCdEf";

describe.skipIf(!hasOpenssl)("the CLI behind a certificate authority and a proxy of the user's", () => {
  let network: PrivateNetwork;
  let tfe: HcpTerraformFake;
  let ado: HttpFake;
  let aws: AwsSecretsFake;
  let tfeUrl: string;
  let adoUrl: string;

  beforeAll(async () => {
    network = await startPrivateNetwork();
  });
  afterAll(() => network.close());
  beforeEach(async () => {
    tfe = await startHcpTerraformFake();
    tfe.state.addPool("aws");
    ado = await startHttpFake(() => ({ status: 200, json: { resourceLimit: { totalCount: 7 } } }));
    aws = await startAwsSecretsFake();
    tfeUrl = await network.secure(tfe.url);
    adoUrl = await network.secure(ado.url);
  });
  afterEach(() => Promise.all([tfe.close(), ado.close(), aws.close()]));

  /** A folder with a fleet of each vendor. */
  function folderOf(outbound: object): string {
    const fleetOf = (vendor: object) =>
      JSON.stringify({ kind: "ecs-fleet", region: "us-west-2", vendor: { ...vendor, ...outbound } });
    return folderWith({
      "config/tfe.yaml": fleetOf({ type: "hcp-terraform", organization: "acme", agentPool: "aws", address: tfeUrl }),
      "config/ado.yaml": fleetOf({ type: "azure-devops", collectionUrl: `${adoUrl}/Main`, poolName: "aws" }),
    });
  }

  const createToken = (cwd: string, env: Readonly<Record<string, string>> = {}, run = fleet) =>
    run(["hcp", "token", "create", "acme", "--pool", "aws", "--json"], {
      cwd,
      env: { TOKEN: tfe.token, TFE_ADDRESS: tfeUrl, ...env },
    });
  const parallelJobs = (cwd: string) =>
    fleet(["ado", "parallel-jobs", "ado", "--json"], { cwd, env: { ADO_PAT: "test-pat" } });

  it("trusts the certificates and takes the proxy of the fleet's config", async () => {
    const proxy = await network.proxy();
    const cwd = folderOf({ caCertificates: [network.ca], proxy: { url: proxy.url } });
    expect(await createToken(cwd)).toMatchObject({ code: 0 });
    expect(JSON.parse((await parallelJobs(cwd)).stdout).parallelJobs).toBe(7);
    expect([...new Set(proxy.asked)]).toEqual([new URL(tfeUrl).host, new URL(adoUrl).host]);
  });

  it("reads them from the secrets that the config names", async () => {
    const credentials = "fleet:p@ss";
    aws.secrets.set(caArn, network.ca);
    aws.secrets.set(proxyArn, credentials);
    const proxy = await network.proxy({ credentials });
    const cwd = folderOf({ caCertificates: { arn: caArn }, proxy: { url: proxy.url, credentials: { arn: proxyArn } } });
    expect(await createToken(cwd, aws.env, fleetProcess)).toMatchObject({ code: 0 });
    expect(proxy.asked).toContain(new URL(tfeUrl).host);
  });

  it("takes the proxy of its own environment first, and none for NO_PROXY", async () => {
    const credentials = "me:p@ss/word";
    const [configured, own] = [await network.proxy(), await network.proxy({ credentials })];
    const cwd = folderOf({ caCertificates: [network.ca], proxy: { url: configured.url } });
    const HTTPS_PROXY = own.url.replace("//", "//me:p%40ss%2Fword@");
    expect(await createToken(cwd, { HTTPS_PROXY })).toMatchObject({ code: 0 });
    expect(own.asked).toContain(new URL(tfeUrl).host);
    const before = own.asked.length;
    expect(await createToken(cwd, { HTTPS_PROXY, NO_PROXY: "other.example.com, 127.0.0.1" })).toMatchObject({
      code: 0,
    });
    expect([own.asked.length, configured.asked.length]).toEqual([before, 0]);
  });

  it("fails without them, and does not repeat the proxy's password", async () => {
    const cwd = folderOf({});
    expect((await createToken(cwd)).stderr).toMatch(/the connection failed \(.*(?:CERT|VERIFY|ISSUER)/);
    const broken = await createToken(cwd, { HTTPS_PROXY: "me:canary@proxy.example.com" });
    expect(broken.stderr).toContain("HTTPS_PROXY is no URL of a proxy");
    expect(broken.stderr).not.toContain("canary");
    const percent = await createToken(cwd, { HTTPS_PROXY: "http://me:canary%ss@proxy.example.com:3128" });
    expect(percent.stderr).toContain("The user or password in HTTPS_PROXY has a % that stands for no character.");
    expect(percent.stderr).not.toContain("canary");
  });

  it("takes a password without a user", async () => {
    const proxy = await network.proxy({ credentials: ":p@ss" });
    const cwd = folderOf({ caCertificates: [network.ca] });
    const HTTPS_PROXY = proxy.url.replace("//", "//:p%40ss@");
    expect(await createToken(cwd, { HTTPS_PROXY })).toMatchObject({ code: 0 });
  });
});
