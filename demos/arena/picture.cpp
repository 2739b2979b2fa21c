// SPDX-License-Identifier: MIT
#include "demos/arena/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#define SDL_MAIN_HANDLED
#include <SDL.h>

namespace arena {
namespace {

constexpr std::size_t trail_frames = 18;
constexpr int ring_frames = 24;  // that spreads where the crown was taken
constexpr int corners = 48;      // of what passes for a circle
constexpr float soft_edge = 1.5f;

constexpr SDL_Color ground{17, 20, 31, 255};
constexpr SDL_Color lines{31, 37, 56, 255};
constexpr SDL_Color border{74, 84, 120, 255};
constexpr SDL_Color white{236, 240, 250, 255};
constexpr SDL_Color gold{255, 206, 84, 255};
constexpr std::array<SDL_Color, 8> colours{{{86, 156, 255, 255},
                                            {255, 107, 107, 255},
                                            {88, 214, 141, 255},
                                            {196, 132, 255, 255},
                                            {255, 159, 67, 255},
                                            {72, 219, 224, 255},
                                            {255, 140, 200, 255},
                                            {190, 208, 92, 255}}};

SDL_Color colour_of(PlayerId id) {
  return colours[id % colours.size()];
}

SDL_Color faded(SDL_Color colour, float share) {
  colour.a = static_cast<Uint8>(static_cast<float>(colour.a) * std::clamp(share, 0.0f, 1.0f));
  return colour;
}

SDL_Vertex vertex(Vec at, SDL_Color colour) {
  return {{at.x, at.y}, colour, {0, 0}};
}

Vec on_circle(Vec centre, float distance, int corner) {
  const float angle = 6.2831853f * static_cast<float>(corner) / corners;
  return centre + Vec{std::cos(angle), std::sin(angle)} * distance;
}

// A ring from one distance to another, whose colour changes on the way.
void draw_band(SDL_Renderer& renderer, Vec centre, float inner, SDL_Color inner_colour, float outer,
               SDL_Color outer_colour) {
  std::array<SDL_Vertex, 6 * corners> vertices;
  for (int i = 0; i < corners; ++i) {
    const SDL_Vertex a = vertex(on_circle(centre, inner, i), inner_colour);
    const SDL_Vertex b = vertex(on_circle(centre, outer, i), outer_colour);
    const SDL_Vertex c = vertex(on_circle(centre, inner, i + 1), inner_colour);
    const SDL_Vertex d = vertex(on_circle(centre, outer, i + 1), outer_colour);
    std::ranges::copy(std::array{a, b, c, b, d, c}, vertices.begin() + 6 * i);
  }
  SDL_RenderGeometry(&renderer, nullptr, vertices.data(), static_cast<int>(vertices.size()),
                     nullptr, 0);
}

void draw_disk(SDL_Renderer& renderer, Vec centre, float size, SDL_Color colour) {
  draw_band(renderer, centre, 0, colour, size, colour);
  draw_band(renderer, centre, size, colour, size + soft_edge, faded(colour, 0));
}

void draw_ring(SDL_Renderer& renderer, Vec centre, float size, float thickness, SDL_Color colour) {
  draw_band(renderer, centre, size - soft_edge, faded(colour, 0), size, colour);
  draw_band(renderer, centre, size, colour, size + thickness, colour);
  draw_band(renderer, centre, size + thickness, colour, size + thickness + soft_edge,
            faded(colour, 0));
}

// Three points over a base; its middle is where it is worn.
void draw_crown(SDL_Renderer& renderer, Vec at) {
  const auto point = [&](float x, float y) { return vertex(at + Vec{x, y}, gold); };
  const std::array vertices{point(-13, -10), point(-13, 8),  point(0, 8),
                            point(0, -13),   point(-9, 8),   point(9, 8),
                            point(13, 8),    point(13, -10), point(0, 8)};
  SDL_RenderGeometry(&renderer, nullptr, vertices.data(), static_cast<int>(vertices.size()),
                     nullptr, 0);
  for (const Vec tip : {Vec{-13, -11}, Vec{0, -14}, Vec{13, -11}})
    draw_disk(renderer, at + tip, 2.5f, gold);
}

void fill(SDL_Renderer& renderer, SDL_FRect box, SDL_Color colour) {
  SDL_SetRenderDrawColor(&renderer, colour.r, colour.g, colour.b, colour.a);
  SDL_RenderFillRectF(&renderer, &box);
}

void draw_box(SDL_Renderer& renderer) {
  fill(renderer, {0, 0, width, height}, ground);
  for (float x = 80; x < width; x += 80)
    fill(renderer, {x, 0, 1, height}, lines);
  for (float y = 80; y < height; y += 80)
    fill(renderer, {0, y, width, 1}, lines);
  draw_ring(renderer, Body().position, 2 * radius, 2, lines);
  fill(renderer, {0, 0, width, 4}, border);
  fill(renderer, {0, height - 4, width, 4}, border);
  fill(renderer, {0, 0, 4, height}, border);
  fill(renderer, {width - 4, 0, 4, height}, border);
}

void draw_trail(SDL_Renderer& renderer, const std::deque<Vec>& trail, SDL_Color colour) {
  for (std::size_t i = trail.size(); i-- > 1;) {
    const float age = static_cast<float>(i) / static_cast<float>(trail_frames);
    draw_disk(renderer, trail[i], radius * (1 - 0.7f * age), faded(colour, 0.16f * (1 - age)));
  }
}

void draw_player(SDL_Renderer& renderer, const View& view, const View::Disk& disk) {
  const SDL_Color colour = colour_of(disk.id);
  draw_band(renderer, disk.position, radius, faded(colour, 0.35f), radius * 1.9f, faded(colour, 0));
  draw_disk(renderer, disk.position, radius + 2, faded(ground, 0.7f));  // apart from those below
  draw_disk(renderer, disk.position, radius, colour);
  draw_band(renderer, disk.position, 0, faded(white, 0.35f), radius * 0.8f, faded(white, 0));
  if (disk.id == view.own) draw_ring(renderer, disk.position, radius - 2, 3, white);
  if (disk.id == view.crown) draw_crown(renderer, disk.position + Vec{0, -radius - 12});
}

// A row for each player, the best one on top: a bar as long as its score.
void draw_scores(SDL_Renderer& renderer, const View& view) {
  std::vector<const View::Disk*> rows;
  for (const View::Disk& disk : view.disks)
    rows.push_back(&disk);
  std::ranges::sort(rows, [](const auto* a, const auto* b) {
    return a->score != b->score ? a->score > b->score : a->id < b->id;
  });
  const float best = rows.empty() ? 0 : static_cast<float>(rows.front()->score);
  const float point = std::min(8.0f, 320 / std::max(best, 1.0f));
  Vec at{28, 28};
  for (const View::Disk* row : rows) {
    const SDL_Color colour = colour_of(row->id);
    draw_disk(renderer, at, 7, colour);
    if (row->id == view.own) draw_ring(renderer, at, 8, 2, white);
    fill(renderer, {at.x + 18, at.y - 5, point * static_cast<float>(row->score), 10},
         faded(colour, 0.75f));
    at.y += 24;
  }
}

}  // namespace

void Picture::draw(SDL_Renderer& renderer, const View& view) {
  ++frames_since_taken_;
  if (view.crown != view_.crown && view.crown != 0) frames_since_taken_ = 0;
  view_ = view;
  std::erase_if(trails_, [&](const auto& trail) { return view.find(trail.first) == nullptr; });
  for (const View::Disk& disk : view.disks) {
    std::deque<Vec>& trail = trails_[disk.id];
    trail.push_front(disk.position);
    if (trail.size() > trail_frames) trail.pop_back();
  }
  redraw(renderer);
}

void Picture::redraw(SDL_Renderer& renderer) const {
  SDL_SetRenderDrawBlendMode(&renderer, SDL_BLENDMODE_BLEND);
  SDL_SetRenderDrawColor(&renderer, 0, 0, 0, 255);
  SDL_RenderClear(&renderer);
  draw_box(renderer);
  for (const auto& [id, trail] : trails_)
    draw_trail(renderer, trail, colour_of(id));
  const View::Disk* const wearer = view_.find(view_.crown);
  if (wearer == nullptr) draw_crown(renderer, Body().position);
  if (wearer != nullptr && frames_since_taken_ < ring_frames) {
    const float share = static_cast<float>(frames_since_taken_) / static_cast<float>(ring_frames);
    draw_ring(renderer, wearer->position, radius + 70 * share, 3, faded(gold, 1 - share));
  }
  for (const View::Disk& disk : view_.disks)
    draw_player(renderer, view_, disk);
  draw_scores(renderer, view_);
}

}  // namespace arena
