import type { JSX } from 'preact'
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks'
import type { Timeline as TimelineData } from '../../api'
import { go, path } from '../../app/router'
import { now, timezone } from '../../state'
import { clockMillis, duration, weekday } from '../format'
import { Icon } from '../icon'
import { Button } from '../button'
import { Moment } from './moment'
import { pathsOf, type Stop, stepFrom, stopAt, stopsOf, type TimelineRow } from './rows'
import { drawn, legible, marks, moved, type Range, timeAt, xOf, zoomed } from './scale'
import { offsetOf } from './zone'

const rowHeight = 28
/** An end that is no longer ago than this is now, in milliseconds. */
const toNow = 60_000
/** Half of what a character of the axis takes, in pixels, at most. */
const charHalf = 3.6

export interface TimelineProps {
  data: TimelineData
  /** What is shown, in milliseconds. */
  range: Range
  /** Somebody drew, zoomed or moved. Without it the range stays. */
  onRange?: (r: Range) => void
  /** What a mark leads to; its journal entry if not given. */
  hrefOf?: (id: number) => string
  /** Said to who does not see it. */
  label: string
}

interface Cursor {
  row: number
  at: number
  stop: Stop | undefined
}

/** Rules and relays over time: bars while active or on, lines for firings, hollow ones for what was held back. */
export function Timeline({ data, range, onRange, hrefOf = (id) => path('journal', id), label }: TimelineProps): JSX.Element {
  const plot = useRef<HTMLDivElement>(null)
  const width = useWidth(plot)
  const [cursor, setCursor] = useState<Cursor | undefined>()
  const [drag, setDrag] = useState<{ from: number; to: number } | undefined>()
  const help = useId()
  const zone = timezone.value
  const offset = useMemo(() => offsetOf(zone), [zone])
  const lines = useMemo(() => marks(range, width, offset), [range.since, range.until, width, offset])
  const stops = useMemo(() => data.rows.map(stopsOf), [data])
  useEffect(() => setCursor(undefined), [data, range.since, range.until])

  const xIn = (e: PointerEvent): number => e.clientX - (plot.current?.getBoundingClientRect().left ?? 0)
  const rowIn = (e: PointerEvent): number => {
    const y = e.clientY - (plot.current?.getBoundingClientRect().top ?? 0)
    return Math.max(0, Math.min(data.rows.length - 1, Math.floor(y / rowHeight)))
  }
  const point = (e: PointerEvent): void => {
    const row = rowIn(e)
    const x = xIn(e)
    const stop = stopAt(stops[row] ?? [], x, range, width, e.pointerType === 'touch' ? 18 : 8)
    setCursor({ row, at: stop ? Math.max(stop.at, range.since) : timeAt(x, range, width), stop })
  }
  // What reaches to now goes on doing so.
  const zoom = (factor: number): void => onRange?.(zoomed(range, cursor?.at ?? (range.until >= now.peek() - toNow ? range.until : (range.since + range.until) / 2), factor))
  const open = (s: Stop | undefined): void => {
    if (s?.id) go(hrefOf(s.id))
  }
  const key = (e: KeyboardEvent): void => {
    const row = Math.min(cursor?.row ?? 0, data.rows.length - 1)
    const at = cursor?.at ?? (e.key === 'ArrowLeft' ? Infinity : -Infinity)
    const to = (r: number, s: Stop | undefined): void => {
      if (s) setCursor({ row: r, at: s.at, stop: s })
    }
    const near = (r: number): Stop | undefined => stepFrom(stops[r] ?? [], at - 1, 1) ?? stepFrom(stops[r] ?? [], at, -1)
    switch (e.key) {
      case 'ArrowLeft':
        if (e.shiftKey) onRange?.(moved(range, -0.5))
        else to(row, stepFrom(stops[row] ?? [], at, -1))
        break
      case 'ArrowRight':
        if (e.shiftKey) onRange?.(moved(range, 0.5))
        else to(row, stepFrom(stops[row] ?? [], at, 1))
        break
      case 'ArrowUp':
        if (row > 0) to(row - 1, near(row - 1))
        break
      case 'ArrowDown':
        if (row < data.rows.length - 1) to(row + 1, near(row + 1))
        break
      case 'Home':
        to(row, stops[row]?.[0])
        break
      case 'End':
        to(row, stops[row]?.at(-1))
        break
      case '+':
      case '=':
        zoom(0.5)
        break
      case '-':
        zoom(2)
        break
      case 'Enter':
        open(cursor?.stop)
        break
      default:
        return
    }
    e.preventDefault()
  }

  const chosen = cursor && data.rows[cursor.row]
  return (
    <div class="timeline">
      {onRange && (
        <div class="timeline-tools">
          <Button kind="quiet" small label="Earlier" onClick={() => onRange(moved(range, -0.5))}>
            <Icon name="back" size={16} />
          </Button>
          <Button kind="quiet" small label="Later" onClick={() => onRange(moved(range, 0.5))}>
            <Icon name="next" size={16} />
          </Button>
          <Button kind="quiet" small label="Show less time" onClick={() => zoom(0.5)}>
            <Icon name="plus" size={16} />
          </Button>
          <Button kind="quiet" small label="Show more time" onClick={() => zoom(2)}>
            <Icon name="minus" size={16} />
          </Button>
        </div>
      )}
      <div class="timeline-frame">
        <div class="timeline-names" aria-hidden="true">
          {data.rows.map((r) => (
            <div key={`${r.kind} ${r.name}`} class="timeline-name" title={r.name}>
              <span class={`timeline-kind timeline-kind-${r.kind}`} />
              <span>{r.name}</span>
            </div>
          ))}
        </div>
        <div
          ref={plot}
          class="timeline-plot"
          role="group"
          tabIndex={0}
          aria-label={label}
          aria-describedby={help}
          style={{ height: `${data.rows.length * rowHeight}px` }}
          onKeyDown={key}
          onPointerDown={(e) => {
            if (e.button !== 0) return
            if (onRange) {
              e.currentTarget.setPointerCapture(e.pointerId)
              setDrag({ from: xIn(e), to: xIn(e) })
            }
            point(e)
          }}
          onPointerMove={(e) => {
            if (drag) setDrag({ ...drag, to: xIn(e) })
            else point(e)
          }}
          onPointerUp={(e) => {
            const range2 = drag && drawn(drag.from, drag.to, range, width)
            setDrag(undefined)
            if (range2) onRange?.(range2)
            // A finger shows what is there first; its picture is the way in.
            else if (e.pointerType !== 'touch') open(cursor?.stop)
          }}
          onPointerCancel={() => setDrag(undefined)}
          onPointerLeave={(e) => {
            if (e.pointerType !== 'touch' && !drag) setCursor(undefined)
          }}
        >
          {width > 0 && (
            <svg width={width} height={data.rows.length * rowHeight} aria-hidden="true">
              {lines.map((m) => (
                <path key={m.at} class="timeline-line" d={`M${xOf(m.at, range, width)} 0V${data.rows.length * rowHeight}`} />
              ))}
              {data.rows.map((r, i) => (
                <RowShape key={`${r.kind} ${r.name}`} row={r} at={i} range={range} width={width} />
              ))}
              {cursor && <path class="timeline-cursor" d={`M${xOf(cursor.at, range, width)} 0V${data.rows.length * rowHeight}`} />}
              {cursor?.stop && <rect class="timeline-chosen" x={xOf(cursor.at, range, width) - 5} y={cursor.row * rowHeight + 2} width="10" height={rowHeight - 4} rx="3" />}
              {drag && Math.abs(drag.to - drag.from) > 5 && (
                <rect class="timeline-drawn" x={Math.min(drag.from, drag.to)} y="0" width={Math.abs(drag.to - drag.from)} height={data.rows.length * rowHeight} />
              )}
            </svg>
          )}
        </div>
        <div class="timeline-times num" aria-hidden="true">
          {legible(lines.map((m) => ({ ...m, x: xOf(m.at, range, width), half: m.text.length * charHalf })), width).map((m) => (
            <span key={m.at} style={{ left: `${m.x}px` }}>
              {m.text}
            </span>
          ))}
        </div>
        {cursor && chosen && !drag && <Moment row={chosen} stop={cursor.stop} at={cursor.at} x={xOf(cursor.at, range, width)} width={width} top={(cursor.row + 1) * rowHeight} hrefOf={hrefOf} />}
      </div>
      <p id={help} class="visually-hidden">
        Arrow keys step from mark to mark, up and down change the row, Enter opens.{onRange ? ' Plus and minus show less or more time, Shift with an arrow key moves it.' : ''}
      </p>
      <p class="visually-hidden" role="status">
        {chosen && cursor?.stop ? spoken(chosen, cursor.stop) : ''}
      </p>
    </div>
  )
}

/** What a mark says, for who does not see it. */
function spoken(row: TimelineRow, s: Stop): string {
  const lasted = s.to === undefined ? '' : `, for ${duration((s.to - s.at) / 1000)}`
  return `${row.name}: ${s.text}, ${weekday(s.at)} ${clockMillis(s.at)}${lasted}`
}

function RowShape({ row, at, range, width }: { row: TimelineRow; at: number; range: Range; width: number }): JSX.Element {
  const p = useMemo(() => pathsOf(row, range, width, rowHeight), [row, range.since, range.until, width])
  return (
    <g transform={`translate(0 ${at * rowHeight})`} class={`timeline-row timeline-row-${row.kind}`}>
      {at % 2 === 1 && <rect class="timeline-band" width={width} height={rowHeight} />}
      {p.spans && <path class="timeline-span" d={p.spans} />}
      {p.open && <path class="timeline-span timeline-open" d={p.open} />}
      {p.firings && <path class="timeline-firing" d={p.firings} />}
      {p.held && <path class="timeline-held" d={p.held} />}
    </g>
  )
}

function useWidth(of: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const el = of.current
    if (!el) return
    const seen = new ResizeObserver(() => setWidth(el.clientWidth))
    seen.observe(el)
    setWidth(el.clientWidth)
    return () => seen.disconnect()
  }, [])
  return width
}
