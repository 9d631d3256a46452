/**
 * The site of the documentation: `npm run docs:build` writes it to `docs/.vitepress/dist`, `npm run docs` serves it on
 * this machine. It holds every page that README leads to, and needs no network. Dead links fail the build.
 *
 * - `DOCS_BASE`: the path that the site is served under, such as `/agent-fleets/`. Default: `/`.
 * - `DOCS_SOURCE_URL`: where readers see the files of this repository, such as a URL that ends in `/blob/main`. Left out:
 *   the site brings the files that its pages link to.
 */
import { fileURLToPath } from "node:url";
import { type DefaultTheme, defineConfig } from "vitepress";
import { anchorOf } from "./anchors.ts";
import { createSources } from "./sources.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const base = process.env.DOCS_BASE || "/";
const sources = createSources(root, base, process.env.DOCS_SOURCE_URL);

const page = (text: string, name: string): DefaultTheme.SidebarItem => ({ text, link: `/docs/${name}` });

/** What the site leads to, by what a reader looks for. Decisions have an index of their own. */
const sidebar: DefaultTheme.SidebarItem[] = [
  {
    text: "Start",
    items: [
      { text: "What it is, and a first fleet", link: "/" },
      page("Requirements", "requirements"),
      page("Before the first deploy", "before-the-first-deploy"),
      page("Comparison", "comparison"),
    ],
  },
  {
    text: "Concepts",
    items: [
      page("How it works", "how-it-works"),
      page("Retirement", "retirement"),
      page("Security model", "security-model"),
      page("What a job can reach", "what-a-job-can-reach"),
    ],
  },
  {
    text: "How to",
    items: [
      page("Scenarios", "scenarios"),
      page("Deploy", "deploying"),
      page("Azure DevOps", "azure-devops"),
      page("Fleets on EC2 instances", "ec2-fleet"),
      page("ECS clusters", "ecs-cluster"),
      page("Networks", "network"),
      page("Machine images", "machine-image"),
      page("Container images", "container-images"),
      page("Keep the state", "state"),
      page("Run in HCP Terraform", "remote-runs"),
      page("Policies and schedules", "policies"),
      page("Simulate", "simulate"),
      page("Performance", "performance"),
    ],
  },
  {
    text: "Migrate",
    collapsed: true,
    items: [
      page("ECS producer workspace", "migrating-from-tfc-agent-ecs"),
      page("Azure DevOps containers", "migrating-from-azure-devops-agents"),
      page("Semaphore AWS stack", "migrating-from-semaphore-aws-stack"),
      page("Spacelift worker pool", "migrating-from-spacelift-workerpool"),
      page("ECS cluster modules", "migrating-from-terraform-modules"),
    ],
  },
  {
    text: "Operations",
    items: [
      page("The operator's desk", "operating"),
      page("Runbook", "runbook"),
      page("Upgrading", "upgrading"),
      page("Rights to deploy", "deploy-rights"),
      page("Rights to operate", "operator-rights"),
    ],
  },
  {
    text: "Reference",
    items: [
      page("Config reference", "config-reference"),
      page("Test worlds", "test-worlds"),
      page("Where things live", "where-things-live"),
      { text: "Contributing", link: "/CONTRIBUTING" },
      { text: "Security", link: "/SECURITY" },
      { text: "Changelog", link: "/CHANGELOG" },
    ],
  },
  { text: "Decisions", link: "/docs/adr/" },
];

/** The pages that the site's menus lead to, without their `.md`; a test looks for each, as the build does not. */
export const menu: readonly string[] = sidebar.flatMap(({ link, items }) =>
  [link, ...(items ?? []).map((item) => item.link)].flatMap((each) => each ?? []),
);

export default defineConfig({
  title: "agent-fleets",
  description: "Self-hosted CI and IaC agents on AWS that appear when jobs queue and leave when they do not.",
  lang: "en",
  base,
  // The tables of the reference need more room than the theme gives them, and may break the names of keys.
  head: [
    [
      "style",
      {},
      ".vp-doc td code{overflow-wrap:anywhere}" +
        "@media(min-width:768px){.vp-doc td:first-child:has(code){min-width:190px}}" +
        "@media(min-width:1280px){.VPDoc.has-aside .content-container{max-width:860px!important}" +
        ".VPDoc .container{max-width:1240px!important}.VPDoc .content{padding-left:8px!important}}",
    ],
  ],
  srcDir: "..",
  srcExclude: ["__tests__/**", "cdktf.out/**", "docs/.vitepress/**", "state/**"],
  rewrites: (id) => id.replace(/(^|\/)README\.md$/, "$1index.md"),
  metaChunk: true,
  markdown: {
    anchor: { slugify: anchorOf },
    toc: { slugify: anchorOf },
    config: (markdown) => sources.rewriteLinks(markdown),
  },
  buildEnd: ({ outDir }) => sources.copyTo(outDir),
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  themeConfig: {
    nav: [
      { text: "How it works", link: "/docs/how-it-works" },
      { text: "How to", link: "/docs/scenarios" },
      { text: "Reference", link: "/docs/config-reference" },
      { text: "Runbook", link: "/docs/runbook" },
      { text: "Decisions", link: "/docs/adr/" },
    ],
    sidebar,
    outline: { level: [2, 3] },
    search: { provider: "local" },
    docFooter: { prev: false, next: false },
  },
});
