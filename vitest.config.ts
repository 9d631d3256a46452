import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["__tests__/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The end-to-end files mostly wait: even a small machine runs two files at once.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // The AWS SDK would print an upgrade notice for Node 20 in every file.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
  },
});
