import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { Clock, Vendor } from "../../../handlers/lib/core/ports.ts";
import { mostPages, runListLimit } from "../../../handlers/lib/vendors/hcp-terraform/client.ts";
import { RateLimiter } from "../../../handlers/lib/vendors/rate-limiter.ts";

interface RunListOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** HCP Terraform's own limit, which all containers of the function share. */
  readonly server: RateLimiter;
  /** No wait goes on after it. */
  readonly deadline: () => Date | undefined;
  readonly onPage: () => void;
}

const runsOfPage = 100;
/** As handlers/lib/vendors/http.ts has them. */
const [attempts, longestWaitMilliseconds] = [4, 60_000];

/**
 * HCP Terraform limits lists of runs to 30 requests a minute, and answers 429 with the time to wait beyond it.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run
 */
export function runListServer(clock: Clock): RateLimiter {
  return new RateLimiter(30, 60_000, clock);
}

/**
 * HCP Terraform as one container of the loop reads it: page by page, the newest runs first, with the client's own rate
 * limiter, as far as `enough` and the client's limit of pages ask for. A reading that ends early says so.
 */
export function withRunLists(vendor: Vendor, { clock, random, server, deadline, onPage }: RunListOptions): Vendor {
  const own = new RateLimiter(runListLimit.requests, runListLimit.windowMilliseconds, clock);
  return {
    ...vendor,
    async readDemand(options = {}) {
      await slot();
      const demand = await vendor.readDemand(options);
      const open = demand.queued + demand.running;
      const wanted = Math.min(open, options.enough ?? open);
      const pages = Math.min(mostPages, Math.max(1, Math.ceil(wanted / runsOfPage)));
      for (let page = 2; page <= pages; page += 1) {
        await slot();
        onPage();
        await clock.sleep(50 + random() * 250);
      }
      const shown = pages * runsOfPage;
      if (shown >= open) return demand;
      const queued = Math.min(demand.queued, shown);
      return { ...demand, queued, running: Math.min(demand.running, shown - queued), partial: true };
    },
  };

  /** Waits for the client's own turn, and again where HCP Terraform refuses. */
  async function slot(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      for (let wait = own.take(); wait > 0; wait = own.take()) await pause(wait);
      const refused = server.take();
      if (refused === 0) return;
      if (attempt >= attempts) throw tooMany();
      await pause(Math.ceil(refused / 1000) * 1000);
    }
  }

  async function pause(milliseconds: number): Promise<void> {
    const end = deadline()?.getTime() ?? Number.POSITIVE_INFINITY;
    if (milliseconds > longestWaitMilliseconds || clock.now().getTime() + milliseconds >= end) throw tooMany();
    await clock.sleep(milliseconds);
  }
}

function tooMany(): VendorApiError {
  return new VendorApiError("rate-limited", "the rate limit allows no list of runs in time");
}
