"""Draw all baselines and the images of docs/pictures.md anew."""

from tests.analysis.pictures.plots.examples import BASELINES, IMAGES, draw_baselines, draw_page

if __name__ == "__main__":
    draw_baselines(BASELINES)
    draw_page(IMAGES)
