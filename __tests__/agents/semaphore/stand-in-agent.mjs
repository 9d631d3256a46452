/**
 * Stands in for Semaphore's agent where no real one is given: it speaks to the hub and writes its log as the real one
 * (https://github.com/semaphoreci/agent: pkg/listener, pkg/listener/selfhostedapi, pkg/retry), but syncs faster and runs
 * no jobs. It has no HTTP timeout of its own, as agents before 2.4.0: while the hub does not answer, it does not act on
 * SIGTERM.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const [, , command, flag, file] = process.argv;
if (command !== "start" || flag !== "--config-file") throw new Error("start --config-file FILE");
const config = JSON.parse(readFileSync(file, "utf8"));
const api = `${config["no-https"] ? "http" : "https"}://${config.endpoint}/api/v1/self_hosted_agents`;
const log = (text) => appendFileSync(process.env.SEMAPHORE_AGENT_LOG_FILE_PATH, `${config.name} : ${text}\n`);

let interruptedAt = 0;
process.on("SIGTERM", () => {
  interruptedAt ||= Math.floor(Date.now() / 1000);
});

async function ask(path, token, body) {
  const response = await fetch(`${api}/${path}`, {
    method: "POST",
    headers: { authorization: `Token ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} request to ${api}: got ${response.status}`);
  return response.json().catch(() => ({}));
}

async function register() {
  log("Starting Agent");
  log("Registering Agent");
  for (let attempt = 1; attempt <= 30 && !interruptedAt; attempt += 1) {
    try {
      return await ask("register", config.token, {
        name: config.name,
        single_job: config["disconnect-after-job"],
        idle_timeout: config["disconnect-after-idle-timeout"],
        interruption_grace_period: config["interruption-grace-period"],
      });
    } catch (error) {
      log(`[Register] attempt [${attempt}] failed with [${error.message}] - retrying in 1s`);
      await sleep(100);
    }
  }
  log("Could not start agent: failed to register agent: [Register] failed - giving up");
  return process.exit(1);
}

const { token } = await register();
log("Starting to poll for jobs");
while (true) {
  log("SYNC request (state: waiting-for-jobs)");
  const { action, shutdown_reason: reason } = await ask("sync", token, {
    state: "waiting-for-jobs",
    interrupted_at: interruptedAt,
  });
  log(`SYNC response (action: ${action})`);
  if (action === "shutdown") {
    await ask("disconnect", token, {});
    execFileSync("bash", [config["shutdown-hook-path"]], {
      env: { ...process.env, SEMAPHORE_AGENT_SHUTDOWN_REASON: String(reason).toUpperCase().replaceAll("-", "_") },
    });
    log(`Agent shutting down due to: ${reason}`);
    process.exit(0);
  }
  await sleep(50);
}
