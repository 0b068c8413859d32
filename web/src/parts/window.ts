/** Which rows of a long table are in the document. */

export const ROW_PX = 41;
const BESIDE = 20;
const ROWS_MAX = 100;

/** start, end: the rows that are there; before, after: the height in pixels of those that are not. */
export interface Shown {
  readonly start: number;
  readonly end: number;
  readonly before: number;
  readonly after: number;
}

/** Of so many rows, scrolled down by so many pixels in a window so high. */
export function shownOf(rows: number, top: number, height: number): Shown {
  const first = Math.min(Math.floor(Math.max(0, top) / ROW_PX), Math.max(0, rows - 1));
  const start = Math.max(0, first - BESIDE);
  const end = Math.min(rows, start + ROWS_MAX, first + Math.ceil(height / ROW_PX) + BESIDE);
  return { start, end, before: start * ROW_PX, after: (rows - end) * ROW_PX };
}
