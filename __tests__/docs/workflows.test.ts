import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string | object;
  readonly secrets?: unknown;
  readonly uses?: string;
  readonly container?: unknown;
  readonly services?: unknown;
  readonly "runs-on"?: unknown;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: object;
  readonly env?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = ".github/workflows";
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync("docs")
    .filter((page) => page.endsWith(".md"))
    .map((page) => `docs/${page}`),
];

/** Every workflow that we ship or that a page shows, by where it is. */
const workflows: readonly (readonly [name: string, text: string])[] = [
  ...readdirSync(folder).map((file) => [file, readFileSync(`${folder}/${file}`, "utf8")] as const),
  ...pages.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/```ya?ml\n([\s\S]*?)```/g)]
      .map(([, text = ""]) => text)
      .filter((text) => /^jobs:/m.test(text))
      .map((text, index) => [`${page}, number ${index + 1}`, text] as const),
  ),
];

const read = (file: string): Workflow => parse(readFileSync(`${folder}/${file}`, "utf8"));

/** Whether a job runs the code of pull requests. Only a condition that we know keeps it from that. */
const runsPullRequests = ({ on }: Workflow, job: Job) =>
  Object.hasOwn(on, "pull_request") &&
  (!/(^|&& )github\.event_name == 'push'/.test(job.if ?? "") || /\|\|/.test(job.if ?? ""));

const secret = /\bsecrets\b|github\s*(\.\s*|\[\s*\W+)token|toJSON\(\s*github\s*\)/i;

/** What jobs may write, beside nothing. */
const writes: Readonly<Record<string, readonly string[]>> = {
  "deploy.yml diff": ["id-token"],
  "deploy.yml deploy": ["id-token"],
  "security.yml code": ["security-events"],
  "release.yml attest": ["contents", "id-token", "attestations"],
};

describe.each(workflows)("the workflow %s", (file, text) => {
  const workflow: Workflow = parse(text);
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps ?? []);

  it("pins every action by commit, with its version as a comment", () => {
    const used = text.match(/uses: .*/g) ?? [];
    expect(used.length).toBeGreaterThan(0);
    const loose = used.filter((line) => !/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));
    expect(loose, "write these as owner/name@<commit> # v1.2.3").toEqual([]);
  });

  it("gives each job its own rights, and none to all", () => {
    expect(workflow.permissions, "write `permissions: {}` at the top").toEqual({});
    const without = jobs.filter(([, { permissions }]) => typeof permissions !== "object").map(([name]) => name);
    expect(without, "give these jobs `permissions` of their own").toEqual([]);
  });

  it("lets a job write only what this test knows it has to", () => {
    for (const [name, { permissions }] of jobs) {
      const written = Object.keys(permissions ?? {}).filter(
        (right) => !["read", "none"].includes(permissions?.[right] ?? ""),
      );
      expect(written, name).toEqual(writes[`${file} ${name}`] ?? []);
    }
  });

  it("is started by nobody who could bring code and get secrets", () => {
    // pull_request_target and workflow_run give a stranger's pull request the secrets and rights of `main`.
    const safe = ["push", "pull_request", "schedule", "release", "workflow_dispatch"];
    expect(Object.keys(workflow.on).filter((event) => !safe.includes(event))).toEqual([]);
  });

  it("gives no secret to a job that runs the code of a pull request, nor to all jobs", () => {
    expect(JSON.stringify(workflow.env ?? {})).not.toMatch(secret);
    for (const [name, job] of jobs.filter(([, job]) => runsPullRequests(workflow, job))) {
      expect(JSON.stringify(job), name).not.toMatch(secret);
      expect(JSON.stringify(job.environment ?? ""), name).not.toContain("production");
    }
  });

  it("gives a role to the code of a pull request only in an environment of its own, and never to a fork", () => {
    for (const [name, job] of jobs.filter(([, job]) => runsPullRequests(workflow, job))) {
      if (job.permissions?.["id-token"] !== "write") continue;
      expect(job.if, name).toContain("&& github.event.pull_request.head.repo.full_name == github.repository");
      expect(job.if, name).not.toContain("||");
      expect(job.environment, name).toBe("plan");
    }
  });

  it("puts no expression into a script: a title or a branch could hold a command", () => {
    const scripts = steps.flatMap(({ run, with: options }) => [run ?? "", String(options?.script ?? "")]);
    expect(scripts.filter((script) => script.includes("${{"))).toEqual([]);
  });

  it("runs on machines that GitHub makes for one job, with nothing beside the steps that this test reads", () => {
    for (const [name, job] of jobs) {
      expect(job["runs-on"], name).toBe("ubuntu-latest");
      expect({ ...(job.container ?? {}), ...(job.services ?? {}) }, name).toEqual({});
      expect(job.uses, name).toBeUndefined();
    }
  });

  it("leaves no token in a checkout", () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    for (const { with: options } of checkouts) expect(options?.["persist-credentials"]).toBe(false);
  });

  it("takes no cache into a job that deploys or releases", () => {
    const privileged = jobs.filter(([, { permissions }]) => permissions?.["id-token"] === "write");
    for (const [, job] of privileged) {
      for (const { with: options, uses } of job.steps) {
        expect(Object.keys(options ?? {})).not.toContain("cache");
        expect(uses ?? "").not.toMatch(/^actions\/cache/);
      }
    }
  });
});

describe("the deployment", () => {
  const { env, jobs } = parse(readFileSync(`${folder}/deploy.yml`, "utf8"));

  it("takes the folder of a user's own configs, and never the examples", () => {
    expect(env.AGENT_FLEETS_CONFIG).toBe("${{ vars.AGENT_FLEETS_CONFIG }}");
    expect(jobs.synth.if).toBe("vars.AGENT_FLEETS_CONFIG != ''");
    for (const name of ["diff", "deploy"]) expect(jobs[name].needs).toBe("synth");
    expect(env.AGENT_FLEETS_LOCAL_STATE, "a runner keeps no file").toBe("refuse");
  });

  it("plans and deploys by fleet: cdktf hides why a plan failed where its output is no terminal", () => {
    const last = (job: Job) => job.steps.at(-1)?.run ?? "";
    expect(last(jobs.diff)).toContain('npm run fleet -- diff "$STACK"');
    expect(last(jobs.deploy)).toBe("npm run fleet -- deploy '*' --auto-approve");
    for (const job of [jobs.diff, jobs.deploy]) expect(last(job)).not.toContain("cdktf ");
  });

  it("has two roles for two kinds of jobs", () => {
    const role = (job: Job) => job.steps.map(({ with: options }) => options?.["role-to-assume"]).filter(Boolean);
    expect(role(jobs.diff)).toEqual(["${{ vars.AWS_PLAN_ROLE_ARN }}"]);
    expect(role(jobs.deploy)).toEqual(["${{ vars.AWS_DEPLOY_ROLE_ARN }}"]);
    expect(jobs.deploy.environment).toBe("production");
  });

  it("lets plans of pull requests read no data in any of the ways that a fleet's services have", () => {
    const page = readFileSync("docs/deploying.md", "utf8");
    const denials = [...page.matchAll(/```json\n([\s\S]*?)```/g)]
      .flatMap(([, text = ""]) => JSON.parse(text).Statement)
      .filter(({ Effect }) => Effect === "Deny")
      .flatMap(({ Action }) => Action);
    // Of the service authorization reference: the actions that return items, messages, values or lines of logs.
    const reading = {
      dynamodb: ["BatchGetItem", "GetItem", "GetRecords", "PartiQLSelect", "Query", "Scan"],
      logs: ["FilterLogEvents", "GetLogEvents", "GetLogObject", "GetLogRecord", "GetQueryResults", "StartLiveTail"],
      s3: ["GetObject", "GetObjectVersion"],
      secretsmanager: ["BatchGetSecretValue", "GetSecretValue"],
      sqs: ["ReceiveMessage"],
      ssm: ["GetParameter", "GetParameterHistory", "GetParameters", "GetParametersByPath"],
    };
    const all = Object.entries(reading).flatMap(([service, actions]) => actions.map((each) => `${service}:${each}`));
    expect(denials).toEqual(expect.arrayContaining(all));
    // Terraform reads the rows that it owns with each plan.
    expect(page).toContain('"NotResource": "arn:aws:dynamodb:*:*:table/*-settings"');
  });

  it("trusts by the environments that the page names", () => {
    const page = readFileSync("docs/deploying.md", "utf8");
    for (const { environment } of [jobs.diff, jobs.deploy]) {
      expect(page).toContain(`"repo:acme/agent-fleets:environment:${environment}"`);
    }
    const policies = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => JSON.parse(text));
    const trusts = policies.filter((policy) => JSON.stringify(policy).includes("AssumeRoleWithWebIdentity"));
    expect(trusts.length).toBeGreaterThan(0);
    for (const { Statement } of trusts) {
      for (const { Condition } of Statement) {
        expect(Object.keys(Condition)).toEqual(["StringEquals"]);
        expect(Condition.StringEquals["token.actions.githubusercontent.com:aud"]).toBe("sts.amazonaws.com");
      }
    }
  });
});

describe("the release", () => {
  const { on, jobs } = read("release.yml");

  it("has a list of packages and proofs of its origin", () => {
    expect(on).toEqual({ release: { types: ["published"] } });
    const steps = jobs.attest?.steps ?? [];
    const attested = steps
      .filter(({ uses }) => uses?.startsWith("actions/attest@"))
      .map(({ with: options }) => options);
    const [archive, list] = ["agent-fleets-*.tar.gz", "agent-fleets.cdx.json"];
    expect(attested).toEqual([
      { "subject-path": `${archive}\n${list}\n` },
      { "subject-path": archive, "sbom-path": list },
    ]);
    const uploaded = steps.find(({ run }) => run?.startsWith("gh release upload"))?.run;
    for (const file of ['"agent-fleets-$TAG.tar.gz"', list]) expect(uploaded).toContain(file);
  });

  it("runs no package: it installs nothing", () => {
    const scripts = (jobs.attest?.steps ?? []).map(({ run }) => run ?? "").join("\n");
    expect(scripts).not.toMatch(/npm (ci|i|install|run|test)\b|npx|node /);
    expect(scripts).toContain("npm sbom --package-lock-only");
  });
});

describe("what looks for known weaknesses", () => {
  it("is CodeQL, OSV and Dependabot, also without a change", () => {
    const { on, jobs } = read("security.yml");
    expect(Object.keys(on)).toEqual(["push", "pull_request", "schedule"]);
    const used = Object.values(jobs).flatMap(({ steps }) => steps.map(({ uses = "" }) => uses.split("@")[0]));
    expect(used).toEqual(expect.arrayContaining(["github/codeql-action/init", "github/codeql-action/analyze"]));
    expect(used).toContain("google/osv-scanner-action/osv-scanner-action");
    const { updates } = parse(readFileSync(".github/dependabot.yml", "utf8"));
    expect(updates.map((update: Record<string, unknown>) => update["package-ecosystem"])).toEqual([
      "npm",
      "github-actions",
    ]);
  });
});
