/** A chart of candles in the colours of the page, which follows them when they change. */

import { CandlestickSeries, type CandlestickData, type IChartApi, type ISeriesApi, createChart } from "lightweight-charts";
import { untrack } from "svelte";
import { decimal } from "../numbers/format.ts";
import { settings } from "../settings.svelte.ts";

export class CandleChart {
  /** undefined before `begin`, and once it has ended */
  series = $state.raw<ISeriesApi<"Candlestick"> | undefined>();
  /** Grows when the colours are others: what was drawn in the old ones is drawn again. */
  palette = $state(0);
  chart: IChartApi | undefined;

  constructor() {
    $effect(() => {
      void [settings.theme, settings.colours, this.series];
      untrack(() => this.#paint());
    });
  }

  /** Draw in a container until the returned function is called. */
  begin(container: HTMLElement, { secondsVisible }: { readonly secondsVisible: boolean }): () => void {
    this.chart = createChart(container, {
      autoSize: true,
      // Its logo would bring a style of its own, which the page's policy forbids; the notice stands in the footer.
      layout: { attributionLogo: false },
      timeScale: { timeVisible: true, secondsVisible, borderVisible: false },
      // A label stands at its price, even where another does: moved aside it would say another price.
      rightPriceScale: { borderVisible: false, alignLabels: false },
    });
    this.series = this.chart.addSeries(CandlestickSeries, {});
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const paint = (): void => this.#paint();
    scheme.addEventListener("change", paint);
    return () => {
      scheme.removeEventListener("change", paint);
      this.chart?.remove();
      this.chart = this.series = undefined; // What is asked of it from now on is nothing.
    };
  }

  /** Write prices with so many places, in the person's own way. */
  writePrices(places: number): void {
    // The chart writes prices until it is gone, which is after its component is.
    const { manner } = settings;
    this.series?.applyOptions({
      priceFormat: {
        type: "custom",
        formatter: (price: number) => decimal(price.toFixed(places), manner, places),
        minMove: 10 ** -places,
      },
    });
  }

  /** Show these bars, oldest first. Where clocks are set back an hour comes twice, and the chart takes each time once. */
  show(bars: readonly CandlestickData[]): void {
    this.series?.setData(bars.filter((each, at) => at === 0 || Number(each.time) > Number(bars[at - 1]?.time)));
  }

  #paint(): void {
    this.chart?.applyOptions({
      layout: { background: { color: colour("surface") }, textColor: colour("text") },
      grid: { vertLines: { color: colour("line") }, horzLines: { color: colour("line") } },
    });
    this.palette += 1;
    const [up, down] = [colour("up"), colour("down")];
    this.series?.applyOptions({ upColor: up, wickUpColor: up, borderUpColor: up, downColor: down, wickDownColor: down, borderDownColor: down });
  }
}

/** Give a colour of the page's own by its name in styles/screen.css. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
