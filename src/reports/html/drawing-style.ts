import { html, type Markup } from './html.ts';

/** The look of drawings. Lines differ in their dashes too, for eyes and printers without colour. */
export const DRAWING_STYLE: Markup = html`<style>
  svg {
    display: block;
    font-family: var(--sans);
    font-size: 11px;
  }
  svg.drawing {
    width: 100%;
    min-width: 54rem;
    height: auto;
  }
  svg text {
    fill: var(--ink);
  }
  svg .dim {
    fill: var(--dim);
    font-size: 11px;
  }
  svg .rule {
    stroke: var(--rule);
    stroke-width: 1;
    fill: none;
  }
  svg .axis {
    stroke: var(--axis);
    stroke-width: 1;
    fill: none;
  }
  svg .band {
    fill: var(--panel);
    fill-opacity: 0.75;
  }
  svg text {
    paint-order: stroke;
    stroke: var(--ground);
    stroke-width: 3px;
    stroke-linejoin: round;
  }
  svg .phase {
    fill: var(--rule);
    stroke: var(--ground);
    stroke-width: 1;
  }
  svg .on-phase {
    stroke: none;
  }
  svg .pause {
    fill: var(--warning);
    fill-opacity: 0.45;
  }
  svg .pause.wide {
    fill-opacity: 0.12;
  }
  svg a text {
    fill: var(--link);
  }
  svg a:hover text {
    text-decoration: underline;
  }
  .series-1,
  .series-2,
  .series-3,
  .series-4 {
    fill: none;
    stroke-width: 1.75;
  }
  .series-1 {
    stroke: var(--series-1);
  }
  .series-2 {
    stroke: var(--series-2);
    stroke-dasharray: 6 3;
  }
  .series-3 {
    stroke: var(--series-3);
    stroke-dasharray: 2 3;
  }
  .series-4 {
    stroke: var(--series-4);
    stroke-dasharray: 9 3 2 3;
  }
  .fill-1 {
    fill: var(--series-1);
  }
  .fill-2 {
    fill: var(--series-2);
  }
  .fill-3 {
    fill: var(--series-3);
  }
  .fill-4 {
    fill: var(--series-4);
  }
  svg .critical {
    fill: var(--critical);
  }
  svg .warning {
    fill: var(--warning);
  }
  svg .info {
    fill: var(--info);
  }
  svg .good {
    fill: var(--good);
  }
  svg .plain {
    fill: var(--axis);
  }
  svg .limit {
    stroke: var(--critical);
    stroke-width: 1;
    stroke-dasharray: 4 3;
    fill: none;
  }
  svg.spark {
    display: inline-block;
    vertical-align: middle;
  }
</style>`;
