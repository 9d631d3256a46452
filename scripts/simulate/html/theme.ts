/**
 * The colours of charts and page, in light and dark. Charts are drawn in the light ones, each of which is unique, and
 * then use the variable of the same name: so one drawing serves both.
 */
export const colours = {
  paper: { light: "#fdfdfc", dark: "#16181d" },
  ink: { light: "#1c1e21", dark: "#e8e9eb" },
  faint: { light: "#5b6068", dark: "#a7adb6" },
  grid: { light: "#dcdfe3", dark: "#343941" },
  blue: { light: "#0b62a8", dark: "#6db8f5" },
  orange: { light: "#c25400", dark: "#f59a4a" },
  green: { light: "#1c7a4a", dark: "#5ecb93" },
  purple: { light: "#7d3c98", dark: "#cf9be4" },
  red: { light: "#b3261e", dark: "#f28b82" },
  olive: { light: "#7a6a00", dark: "#d8c651" },
  teal: { light: "#00707a", dark: "#5ccdd6" },
  brown: { light: "#7b4b2a", dark: "#d1a07d" },
} as const satisfies Readonly<Record<string, { readonly light: string; readonly dark: string }>>;

type Mode = "light" | "dark";

/** The colour of a name, for charts. */
export function colour(name: keyof typeof colours): string {
  return colours[name].light;
}

/** Declares the variables: the light ones, and the dark ones for those who prefer them. */
export function themeStyle(selector: string): string {
  const declare = (mode: Mode) =>
    Object.entries(colours)
      .map(([name, shades]) => `--${name}:${shades[mode]}`)
      .join(";");
  return (
    `${selector}{color-scheme:light dark;${declare("light")}}` +
    `@media (prefers-color-scheme:dark){${selector}{${declare("dark")}}}`
  );
}

const nameOf = new Map<string, string>(Object.entries(colours).map(([name, { light }]) => [light, name]));

/** Replaces the light colours of a drawing with their variables. ECharts gives others only to parts that nobody sees. */
export function withVariables(svg: string): string {
  return svg.replace(/\b(fill|stroke)="([^"]*)"/g, (_, attribute: string, value: string) => {
    const name = nameOf.get(value);
    return name === undefined ? `${attribute}="none"` : `${attribute}="var(--${name})"`;
  });
}
