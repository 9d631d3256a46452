import { LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
import { colour, withVariables } from "./theme.ts";

use([LineChart, ScatterChart, GridComponent, LegendComponent, LabelLayout, SVGRenderer]);

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Draws a chart as SVG, whose colours are variables of the theme. The same option gives the same text.
 *
 * @param id of this drawing: no other in the page has it
 */
export function draw(option: EChartsCoreOption, { width, height }: Size, id: string): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: "system-ui, sans-serif" }, ...option });
    const svg = withVariables(chart.renderToSVGString());
    // The style is for pointers that hover. ECharts numbers its drawings through the life of the process.
    const still = svg.replace(/<style.*?<\/style>/s, "").replace(/ class="zr[^"]*"| pointer-events="\w+"/g, "");
    return still.replace(/\bzr\d+-/g, `${id}-`);
  } finally {
    // It would keep the process alive.
    chart.dispose();
  }
}

const label = { color: colour("faint"), fontSize: 12 };

/** An axis of numbers in the colours of the theme. */
export function axis(name: string, more: object = {}): object {
  return {
    type: "value",
    name,
    nameLocation: "middle",
    nameTextStyle: { color: colour("ink"), fontSize: 12 },
    axisLabel: { ...label, hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: colour("faint") } },
    axisTick: { lineStyle: { color: colour("faint") } },
    splitLine: { lineStyle: { color: colour("grid") } },
    minorSplitLine: { show: false },
    ...more,
  };
}

/** Between entries of a legend, across and down. */
const legendGap = 18;

/** The room of a legend in pixels: it wraps. */
export function legendHeight(names: readonly string[], { width }: Size): number {
  let [rows, used] = [1, 0];
  for (const { length } of names) {
    const needed = length * 7 + 34 + legendGap;
    if (used > 0 && used + needed > width - 20) [rows, used] = [rows + 1, 0];
    used += needed;
  }
  return rows * (14 + legendGap);
}

/** A legend at the top, and the grid under it. @param icons by name, where it is not the mark of the line */
export function frame(names: readonly string[], size: Size, icons: Readonly<Record<string, string>> = {}): object {
  const data = names.map((name) => ({ name, icon: icons[name] }));
  return {
    legend: { data, top: 4, itemWidth: 28, itemGap: legendGap, textStyle: { color: colour("ink"), fontSize: 12 } },
    grid: { top: legendHeight(names, size) + 6, left: 62, right: 22, bottom: 48 },
  };
}
