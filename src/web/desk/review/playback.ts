import type { Rational } from '../../../domain/media.ts'
import { frameAtSeconds, frameMiddleSeconds } from '../../../domain/timecode.ts'

/** What the page shows of the player; a new object with each change. */
export type PlaybackState = {
  readonly frame: number
  readonly playing: boolean
  /** Times normal speed; negative backwards; 0 while paused. */
  readonly speed: number
  readonly muted: boolean
  /** The element has its first picture. */
  readonly ready: boolean
  readonly failed: boolean
}

const SPEEDS = [1, 2, 4, 8] as const

/**
 * Plays a media element by frames.
 *
 * Asking for a frame goes to its middle, so that no rounding shows a neighbour; while it plays, the frame is that of
 * the picture the browser says it presented (`requestVideoFrameCallback`), not of its clock. A paused player keeps
 * the frame that was asked for, so that stepping never sticks on a picture that stands for several frames.
 */
export class Playback {
  readonly rate: Rational
  readonly frames: number
  #element: HTMLMediaElement | undefined
  #state: PlaybackState
  readonly #listeners = new Set<() => void>()
  #wanted: number | undefined
  #stopAt: number | undefined
  #ticket = 0
  #backwards: { fromFrame: number; sinceMs: number; speed: number } | undefined

  constructor(rate: Rational, frames: number, muted: boolean) {
    this.rate = rate
    this.frames = Math.max(1, frames)
    this.#state = { frame: 0, playing: false, speed: 0, muted, ready: false, failed: false }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  readonly snapshot = (): PlaybackState => this.#state

  /** Takes charge of the element until the returned function is called. */
  attach(element: HTMLMediaElement): () => void {
    this.#element = element
    element.muted = this.#state.muted
    const on: readonly (readonly [string, () => void])[] = [
      ['loadeddata', () => this.#set({ ready: true, failed: false })],
      ['error', () => this.#set({ failed: true, playing: false, speed: 0 })],
      ['play', () => this.#set({ playing: true, speed: element.playbackRate })],
      ['ratechange', () => this.#set(this.#state.playing ? { speed: element.playbackRate } : {})],
      ['pause', () => this.#paused()],
      ['ended', () => this.#set({ frame: this.frames - 1 })],
      ['seeked', () => this.#seeked()],
      ['volumechange', () => this.#set({ muted: element.muted })],
    ]
    for (const [name, act] of on) element.addEventListener(name, act)
    // A cached file may be there before anybody listens.
    if (element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) this.#set({ ready: true })
    this.#follow(element)
    return () => {
      for (const [name, act] of on) element.removeEventListener(name, act)
      this.#ticket += 1
      this.#backwards = undefined
      element.pause()
      this.#element = undefined
    }
  }

  /** Shows exactly `frame`, held to the clip's range; stops what is running. */
  goTo(frame: number): void {
    this.#halt()
    this.#show(frame)
  }

  /** Moves by whole frames. */
  step(frames: number): void {
    this.goTo(this.#state.frame + frames)
  }

  /** Plays on, or stops on the picture that is shown. */
  toggle(): void {
    if (this.#state.playing) this.goTo(this.#state.frame)
    else this.#run(1)
  }

  /** J and L: each press in the same direction doubles the speed. */
  shuttle(direction: 1 | -1): void {
    const now = this.#state.speed * direction
    const faster = SPEEDS.find((speed) => speed > now)
    this.#run((now > 0 ? (faster ?? SPEEDS[SPEEDS.length - 1] ?? 1) : 1) * direction)
  }

  /** K: stops on the picture that is shown. */
  stop(): void {
    this.goTo(this.#state.frame)
  }

  /** Plays from `inFrame` and stops on the last frame before `outFrame`. */
  playRange(inFrame: number, outFrame: number): void {
    this.goTo(inFrame)
    this.#run(1)
    this.#stopAt = outFrame - 1
  }

  /** Sound off or on. */
  toggleMute(): void {
    if (this.#element !== undefined) this.#element.muted = !this.#element.muted
  }

  #set(change: Partial<PlaybackState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }

  #show(frame: number): void {
    const held = Math.max(0, Math.min(this.frames - 1, frame))
    if (held !== this.#state.frame) this.#set({ frame: held })
    const element = this.#element
    if (element === undefined) return
    // While one seek runs, only the latest wish is kept: a held-down arrow key must not queue up.
    if (element.seeking) this.#wanted = held
    else element.currentTime = frameMiddleSeconds(held, this.rate)
  }

  #seeked(): void {
    const wanted = this.#wanted
    this.#wanted = undefined
    if (wanted !== undefined && this.#element !== undefined) {
      this.#element.currentTime = frameMiddleSeconds(wanted, this.rate)
    }
  }

  #halt(): void {
    this.#stopAt = undefined
    this.#backwards = undefined
    if (this.#element !== undefined && !this.#element.paused) this.#element.pause()
    if (this.#state.playing) this.#set({ playing: false, speed: 0 })
  }

  #paused(): void {
    // Going backwards is a row of seeks on a paused element.
    if (this.#backwards === undefined) this.#set({ playing: false, speed: 0 })
  }

  #run(speed: number): void {
    const element = this.#element
    if (element === undefined) return
    this.#stopAt = undefined
    if (speed > 0) {
      this.#backwards = undefined
      if (this.#state.frame >= this.frames - 1) this.#show(0)
      element.playbackRate = speed
      element.play().catch(() => this.#set({ playing: false, speed: 0 }))
      this.#set({ playing: true, speed })
      return
    }
    this.#backwards = { fromFrame: this.#state.frame, sinceMs: performance.now(), speed: -speed }
    element.pause()
    this.#set({ playing: true, speed })
    requestAnimationFrame(this.#back)
  }

  readonly #back = (): void => {
    const run = this.#backwards
    if (run === undefined) return
    const seconds = (performance.now() - run.sinceMs) / 1000
    const frame = run.fromFrame - Math.floor((seconds * run.speed * this.rate.num) / this.rate.den)
    if (frame <= 0) {
      this.goTo(0)
      return
    }
    if (frame !== this.#state.frame) this.#show(frame)
    requestAnimationFrame(this.#back)
  }

  #presented(seconds: number): void {
    const element = this.#element
    if (element === undefined || element.paused || element.seeking) return
    const frame = Math.min(this.frames - 1, frameAtSeconds(seconds, this.rate))
    const stopAt = this.#stopAt
    if (stopAt !== undefined && frame >= stopAt) this.goTo(stopAt)
    else if (frame !== this.#state.frame) this.#set({ frame })
  }

  #follow(element: HTMLMediaElement): void {
    this.#ticket += 1
    const ticket = this.#ticket
    if (element instanceof HTMLVideoElement && 'requestVideoFrameCallback' in element) {
      const next = (_now: number, picture: VideoFrameCallbackMetadata): void => {
        if (ticket !== this.#ticket) return
        this.#presented(picture.mediaTime)
        element.requestVideoFrameCallback(next)
      }
      element.requestVideoFrameCallback(next)
      return
    }
    const look = (): void => {
      if (ticket !== this.#ticket) return
      this.#presented(element.currentTime)
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }
}
