/** Names for people who must have none: two plain words, speakable on a bad line, about nobody and nothing. */
import { randomInt } from 'node:crypto'

const words = (list: string): readonly string[] => list.trim().split(/\s+/)

const FIRST = words(`
  Amber Ample Autumn Bright Bronze Calm Cedar Clear Copper Coral Crisp Daily Distant Early Easy Even Fair
  Fallow Fern Fine Gentle Golden Grand Hazel Honey Indigo Ivory Jade Kind Late Lemon Level Light Lilac
  Linen Long Maple Mellow Merry Mild Misty Neat Noble Northern Olive Opal Pearl Plain Quick Rapid Round
  Silver Simple Smooth Soft Spring Steady Still Summer Tidy Velvet Violet Warm Winter`)
const SECOND = words(`
  Acorn Anchor Apple Basket Beacon Birch Bramble Brook Button Candle Canyon Carpet Clover Comet Cricket
  Daisy Ember Feather Finch Garden Ginger Harbour Heron Island Ivy Juniper Kettle Ladder Lantern Lark
  Magpie Marble Meadow Mitten Mosaic Nutmeg Orchard Otter Paddle Pebble Pepper Pigeon Pillow Plum Pocket
  Quartz Quill Raven Ribbon Robin Saddle Sparrow Spoon Tablet Teapot Thimble Timber Tulip Umbrella Walnut
  Willow Window Wren Yarrow`)

/** Makes an alias at random: nothing in it comes from the person, the code or the day. May be taken already. */
export function generateAlias(): string {
  return `${FIRST[randomInt(FIRST.length)] ?? ''} ${SECOND[randomInt(SECOND.length)] ?? ''}`
}
