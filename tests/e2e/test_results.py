"""Networks of every kind on real inputs, each in a window of its own: what a person reads there is right."""

import os
import pwd
import re
import sys

from lathe_driver import TEST_DATA, Driver, Failure, Tap

program, out = sys.argv[1], sys.argv[2]
# Where data/fetch-models puts networks; the home of this script's environment is an empty one.
fetched = os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".local", "share", "lathe", "models", "networks")

# What is on the pictures and in the sounds, as anybody can see and hear; the expression is for the result in words.
CASES = [
    ("face detection", "vision/face/yunet_n_320_320.onnx", "vision/images/face.jpg", r"Result\. face +9\d\.\d %.*\nface +\d"),
    ("object detection", "vision/detect/FastestDet.onnx", "vision/images/pets.jpg", r"Result\. dog +\d\d\.\d %.*\ndog"),
    ("segmentation", "vision/seg/deeplabv3_mnv2_dm05_pascal_quant.tflite", "vision/seg/bird_segmentation.bmp", r"bird"),
    ("image classification", "vision/imagenet/mobilenet_v2_1.0_224_quant.tflite", "vision/images/cat_720p.jpg", r"Result\. Egyptian cat +8\d\.\d %"),
    ("digits", "vision/mnist/opt-mnist.onnx", "vision/mnist/5.jpg", r"Result\. 5 +\d\d"),
    ("keywords", "audio/kws/kws_ref_model.tflite", "audio/kws/yes_1000ms.wav", r"Result\. yes +9\d\.\d %"),
    ("speech commands", "audio/kws/micro_speech_quantized.tflite", "audio/kws/no_1000ms.wav", r"Result\. no +\d\d"),
    ("voice activity", "audio/vad/silero_vad_openvino_16k.onnx", "audio/speech/jfk.wav", r"Result\. .*voice"),
    ("super resolution", "vision/detect/pytorch_super_resolution.onnx", "vision/images/parrot.jpg", r"Result\. .*672 x 672"),
    ("faces, BlazeFace", f"{fetched}/face_detection_short_range.tflite", "vision/images/face.jpg", r"Result\. face +9\d\.\d %.*\nface +9"),
    ("face mesh", f"{fetched}/face_landmark.tflite", "vision/images/face.jpg", r"Result\. 468 points"),
    ("body pose", f"{fetched}/pose_landmark_full.tflite", "vision/images/grace_hopper.bmp", r"Result\. 33 points"),
    ("person and background", f"{fetched}/selfie_segmentation.tflite", "vision/images/grace_hopper.bmp", r"foreground +[4-7]\d\.\d %"),
]


def reading(driver):
    node = driver.look("image", contains="Result. ")
    return node.name if node else ""


def check_case(title, network, sample, expected):
    driver = Driver(program, [os.path.join(TEST_DATA, network)], out)
    try:
        driver.wait_idle()
        driver.press("Choose…")
        driver.open_as(os.path.join(TEST_DATA, sample))
        try:
            driver.wait(f"the result of {title}", lambda: re.search(expected, reading(driver)))
        except Failure as failure:
            raise Failure(f"{failure}; it was “{reading(driver)}”") if driver.process.poll() is None else failure
        driver.picture("results-" + title.replace(" ", "-"))
        driver.quit()
    finally:
        driver.kill()


tap = Tap()
cases = [case for case in CASES if all(os.path.exists(os.path.join(TEST_DATA, path)) for path in case[1:3])]
if not cases:
    print(f"1..0 # SKIP there are no networks in {TEST_DATA} (set LATHE_TEST_DATA)")
    sys.exit(0)
failed = False
for case in CASES:
    if case in cases:
        tap.failed = False  # one network does not build on another
        tap.step(case[0], lambda: check_case(*case))
        failed = failed or tap.failed
    else:
        tap.n += 1
        print(f"ok {tap.n} {case[0]} # SKIP {case[1]} or {case[2]} is not there (LATHE_TEST_DATA, data/fetch-models)", flush=True)
tap.failed = failed
sys.exit(tap.end())
