import type { JSX } from 'preact'

const shapes = {
  live: 'M3 7h12v10H3z M15 11l6-3v8l-6-3',
  rules: 'M4 6h9 M4 12h16 M4 18h6 M17 4v4 M14 16v4',
  zones: 'M5 8l8-4 7 6-4 9-10-2z',
  journal: 'M4 5v14h16 M8 15v-4 M12 15V8 M16 15v-6',
  plates: 'M3 7h18v10H3z M7 14v-4 M11 14v-4 M14 12h3',
  relays: 'M3 12h5l7-5 M16 12h5 M8 12a1 1 0 1 0 .01 0 M16 12a1 1 0 1 0 .01 0',
  system: 'M4 7h10 M18 7h2 M16 5v4 M4 17h2 M10 17h10 M8 15v4',
  close: 'M6 6l12 12 M18 6L6 18',
  back: 'M14 6l-6 6 6 6',
  next: 'M10 6l6 6-6 6',
  plus: 'M12 5v14 M5 12h14',
  minus: 'M5 12h14',
  check: 'M5 13l4 4L19 7',
  undo: 'M8 5L4 9l4 4 M4 9h10a5 5 0 0 1 0 10h-3',
  redo: 'M16 5l4 4-4 4 M20 9H10a5 5 0 0 0 0 10h3',
  trash: 'M5 7h14 M9 7V5h6v2 M7 7l1 12h8l1-12',
  swap: 'M7 4v16 M7 4L4 7 M7 4l3 3 M17 20V4 M17 20l3-3 M17 20l-3-3',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M5 20a7 7 0 0 1 14 0',
  more: 'M6 12h.01 M12 12h.01 M18 12h.01',
  search: 'M11 5a6 6 0 1 0 0 12 6 6 0 0 0 0-12z M16 16l4 4',
  copy: 'M9 9h10v10H9z M5 15V5h10',
  play: 'M8 5l11 7-11 7z',
  edit: 'M4 20l1-4L16 5l3 3L8 19z',
  picture: 'M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4',
  magnet: 'M6 4v8a6 6 0 0 0 12 0V4 M6 8h4 M14 8h4 M10 4v8a2 2 0 0 0 4 0V4',
} as const

export type IconName = keyof typeof shapes

/** A line drawing of 20 px. It says nothing to a screen reader: words stand beside it or on its button. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  )
}
