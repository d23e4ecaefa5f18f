#include "dashboard/views/layered_layout.hpp"

#include <algorithm>

namespace mailroom::dashboard {

Layout place_in_layers(const Hello& hello) {
  Layout made;
  const auto count = hello.stages.size();
  made.stages.resize(count);
  if (count == 0) return made;
  std::vector<std::vector<int>> after(count), before(count);
  std::vector<int> open(count, 0);
  for (const auto& edge : hello.edges) {
    if (edge.feedback || edge.from == edge.to) continue;
    after[static_cast<std::size_t>(edge.from)].push_back(edge.to);
    before[static_cast<std::size_t>(edge.to)].push_back(edge.from);
    ++open[static_cast<std::size_t>(edge.to)];
  }
  std::vector<int> ready;
  std::vector<char> done(count, 0);
  for (std::size_t stage = 0; stage < count; ++stage) if (open[stage] == 0) ready.push_back(static_cast<int>(stage));
  std::size_t placed = 0;
  while (placed < count) {
    if (ready.empty())  // a cycle
      for (std::size_t stage = 0; stage < count && ready.empty(); ++stage) if (!done[stage]) ready.push_back(static_cast<int>(stage));
    const auto stage = static_cast<std::size_t>(ready.back());
    ready.pop_back();
    if (done[stage]) continue;
    done[stage] = 1;
    ++placed;
    for (const int next : after[stage]) {
      const auto to = static_cast<std::size_t>(next);
      if (done[to]) continue;
      made.stages[to].layer = std::max(made.stages[to].layer, made.stages[stage].layer + 1);
      if (--open[to] == 0) ready.push_back(next);
    }
  }
  std::vector<std::vector<int>> layers;
  for (std::size_t stage = 0; stage < count; ++stage) {
    const auto layer = static_cast<std::size_t>(made.stages[stage].layer);
    if (layers.size() <= layer) layers.resize(layer + 1);
    layers[layer].push_back(static_cast<int>(stage));
  }
  // A layer that is much fuller than the others is no layer any more, but a list: it is folded into several columns.
  const auto fold = std::max<std::size_t>(8, static_cast<std::size_t>(std::max(1.0, 1.6 * static_cast<double>(count) / static_cast<double>(layers.size()))));
  std::vector<std::vector<int>> columns;
  const auto spread = [](std::vector<int>& layer, std::vector<Placed>& stages) {
    for (std::size_t at = 0; at < layer.size(); ++at) stages[static_cast<std::size_t>(layer[at])].row = static_cast<double>(at) - (static_cast<double>(layer.size()) - 1) / 2;
  };
  for (auto& layer : layers) spread(layer, made.stages);
  for (int sweep = 0; sweep < 6; ++sweep) {
    const bool forward = sweep % 2 == 0;
    for (std::size_t step = 0; step < layers.size(); ++step) {
      auto& layer = layers[forward ? step : layers.size() - 1 - step];
      std::vector<std::pair<double, int>> wanted;
      for (const int stage : layer) {
        const auto& neighbours = forward ? before[static_cast<std::size_t>(stage)] : after[static_cast<std::size_t>(stage)];
        double sum = 0;
        for (const int each : neighbours) sum += made.stages[static_cast<std::size_t>(each)].row;
        wanted.emplace_back(neighbours.empty() ? made.stages[static_cast<std::size_t>(stage)].row : sum / static_cast<double>(neighbours.size()), stage);
      }
      std::stable_sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (std::size_t at = 0; at < layer.size(); ++at) layer[at] = wanted[at].second;
      spread(layer, made.stages);
    }
  }
  for (auto& layer : layers)
    for (std::size_t begin = 0; begin < layer.size(); begin += fold)
      columns.emplace_back(layer.begin() + static_cast<std::ptrdiff_t>(begin), layer.begin() + static_cast<std::ptrdiff_t>(std::min(layer.size(), begin + fold)));
  for (std::size_t column = 0; column < columns.size(); ++column) {
    spread(columns[column], made.stages);
    for (const int stage : columns[column]) made.stages[static_cast<std::size_t>(stage)].layer = static_cast<int>(column);
    made.tallest = std::max(made.tallest, static_cast<int>(columns[column].size()));
  }
  made.layers = static_cast<int>(columns.size());
  return made;
}

}  // namespace mailroom::dashboard
